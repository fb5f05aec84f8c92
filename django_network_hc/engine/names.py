"""What a network may be called, since files are called after it."""

import re

__all__ = ["TEMPLATE", "is_network_name"]

#: What the files are called after that new networks begin with.
TEMPLATE = "Template"

# No sign that a file system, a spreadsheet or a shell takes for something else.
_NETWORK = re.compile(r"[^\W_][\w .()+&-]{0,98}[\w)]|[^\W_]")


def is_network_name(name: str) -> bool:
    """Return whether a network may have this name; that of the templates is taken."""
    return name.casefold() != TEMPLATE.casefold() and bool(_NETWORK.fullmatch(name))
