"""Tests of the documentation: it is run, and held against the code."""
