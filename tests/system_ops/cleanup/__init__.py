"""Tests of cleanup_old_data."""
