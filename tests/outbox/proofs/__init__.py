"""Proofs of what the outbox promises: each with a short version, and a long one marked soak."""
