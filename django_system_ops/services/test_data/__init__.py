"""Rows without end, made up: for tests of speed, and of what happens when tables are large."""
