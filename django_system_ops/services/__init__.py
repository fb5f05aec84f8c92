"""What the app does; each module is named after a deed."""
