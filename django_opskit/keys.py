"""Keys of rows as they come in an address: digits, or nothing."""

__all__ = ["read_key"]

# Longer ones would be no 64-bit number, which databases refuse in ways of their own.
_LONGEST = 18


def read_key(text: str) -> int | None:
    """Return the key that ``text`` writes; None when it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else None
