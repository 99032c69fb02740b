"""What each client is worth: purchases to come, the spend of each, and the gain from both."""
