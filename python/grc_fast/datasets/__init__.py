"""Sales and clients to try, test and measure on."""
