"""Charts and pages of small tables: what they are of is known by the layers above."""
