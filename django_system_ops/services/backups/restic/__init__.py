"""Backups in a repository of restic, which stores what is the same once."""
