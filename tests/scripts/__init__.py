"""The tools of this repository: what make starts."""
