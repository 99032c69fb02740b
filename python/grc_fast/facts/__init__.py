"""Facts: the pass over sales."""
