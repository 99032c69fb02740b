"""Which clients answer: response rates of past campaigns, and what they promise for the next."""
