"""What the outbox does: store, claim, run, settle, rescue."""
