"""Tests of generate_reports."""
