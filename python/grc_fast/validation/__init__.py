"""Whether what was expected came true."""
