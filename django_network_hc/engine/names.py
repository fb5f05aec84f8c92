"""What a network may be called, since files are called after it."""

import re

__all__ = ["is_network_name"]

# No sign that a file system, a spreadsheet or a shell takes for something else.
_NETWORK = re.compile(r"[^\W_][\w .()+&-]{0,98}[\w)]|[^\W_]")


def is_network_name(name: str) -> bool:
    """Return whether a network may have this name."""
    return bool(_NETWORK.fullmatch(name))
