"""What this app answers over HTTP."""
