"""Removing what is old: rows with what hangs on them, and temporary files."""
