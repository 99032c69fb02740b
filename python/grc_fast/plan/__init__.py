"""The contact plan: whom to contact, through which channel, for what gain."""
