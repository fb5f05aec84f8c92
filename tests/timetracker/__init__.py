"""The time tracker of the example project."""
