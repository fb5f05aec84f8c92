"""Tests of health_check."""
