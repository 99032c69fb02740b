"""How open, how active and how relational each client is: the omnichannel profile."""
