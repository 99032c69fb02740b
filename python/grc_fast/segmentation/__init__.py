"""Clients seen from several sides at once."""
