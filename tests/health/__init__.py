"""Tests of django_health_check_job."""
