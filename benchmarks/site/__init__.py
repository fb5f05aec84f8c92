"""The smallest Django site that has something to do."""
