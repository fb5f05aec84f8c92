"""The health checks of this app, and those of others that it runs."""
