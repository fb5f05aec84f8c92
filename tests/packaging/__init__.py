"""The distribution: what is in the wheel, and what it asks for."""
