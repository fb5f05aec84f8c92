"""Continuous health monitoring for Django: checks, history, state changes, sync."""
