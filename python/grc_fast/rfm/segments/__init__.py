"""Segment tables: ordered rules that name the clients."""
