"""Minutes as people write them."""

__all__ = ["hours_minutes", "signed_hours_minutes"]

# The minus sign proper: as wide as the plus, and read out as "minus".
MINUS = "\N{MINUS SIGN}"


def hours_minutes(minutes: int) -> str:
    """Return ``minutes`` as hours and minutes: 440 is ``7:20``."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{MINUS if minutes < 0 else ''}{hours}:{rest:02}"


def signed_hours_minutes(minutes: int) -> str:
    """Return a difference: 20 is ``+0:20``, 0 is ``0:00``."""
    return f"{'+' if minutes > 0 else ''}{hours_minutes(minutes)}"
