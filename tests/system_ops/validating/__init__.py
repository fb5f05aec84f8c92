"""Tests of validate_system."""
