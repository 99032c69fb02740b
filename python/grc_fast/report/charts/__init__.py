"""Altair charts, each of one small table."""
