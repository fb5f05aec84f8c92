"""Tests of init_system, setup_demo_data and create_test_data."""
