"""Rows that come in from files: checked, whole or in batches, and never another tenant's."""
