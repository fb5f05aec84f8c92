"""Tests of what messages feel like."""
