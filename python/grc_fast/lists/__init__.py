"""What leaves the house: lists for channels, with why each client is on them."""
