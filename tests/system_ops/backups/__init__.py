"""Backups that restore: the sealed stream, the commands, drills on real databases."""
