"""Backups that restore: making, finding, verifying, restoring and removing them."""
