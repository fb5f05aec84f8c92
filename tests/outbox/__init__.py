"""Tests of django_outbox."""
