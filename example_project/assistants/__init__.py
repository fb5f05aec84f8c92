"""Assistants that chat with the customers of several tenants: what system operations work on."""
