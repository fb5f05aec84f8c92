"""Maintenance jobs from meter readings: silent and flat meters, for any schema, at any size."""
