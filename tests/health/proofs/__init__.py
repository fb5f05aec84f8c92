"""Proofs with real processes and real servers."""
