"""Tests of django_opskit."""
