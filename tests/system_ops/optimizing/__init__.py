"""Tests of optimize_database."""
