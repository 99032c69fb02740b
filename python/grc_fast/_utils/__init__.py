"""What every subject uses: days, messages, checks."""
