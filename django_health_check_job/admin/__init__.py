"""The app in Django's admin."""
