"""In: files, tables and streams, by role. Out: files, whole or not at all."""
