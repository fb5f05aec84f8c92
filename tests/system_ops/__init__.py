"""The tests of django_system_ops."""
