"""Which store each client is nearest to, and in which of its zones."""
