"""Commands of django_system_ops."""
