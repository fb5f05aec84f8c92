"""What was published, line by line."""
