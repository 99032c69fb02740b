"""Databases: tables and queries, read as a stream and written in one transaction."""
