"""Tests of the example's assistants."""
