"""RFM: criteria, bands, points, groups and segments."""
