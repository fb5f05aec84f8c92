"""Tests of monitor_performance."""
