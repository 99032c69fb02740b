"""The page of everything that a folder of outputs holds: each analysis brings its own section."""
