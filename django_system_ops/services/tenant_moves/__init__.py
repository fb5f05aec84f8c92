"""Data of one tenant becomes another's: copied, or handed over."""
