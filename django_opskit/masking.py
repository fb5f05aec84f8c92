"""Secrets are masked before arguments leave the process: in signals, history, messages."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["MASK", "mask_secrets", "mask_text"]

MASK = "********"

# What an option has that was not given, or that is a mere switch.
_NO_SECRETS = (None, "", True, False)

_NAME = (
    r"(?:passw(?:or)?d|passphrase|(?<![a-z])(?:pass|pwd)(?![a-z])|secret|token|credential"
    r"|authorization|(?:api|private|access|auth|encryption|signing)[_-]?key)"
)
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_SECRET_OPTION = re.compile(rf"-[\w-]*{_NAME}[\w-]*", re.IGNORECASE)

# Repetitions have an end, so that no text can make the search slow.
_MASKED_PARTS = [
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # scheme://user:password@host. A raw password may hold any sign but a space; what looks like
        # a port and a path is none.
        (r"(?<=://)([^/\s:@]*):(?!\d{1,5}(?:[/?#]|$))[^\s'\"]{1,2048}@", rf"\1:{MASK}@"),
        # ?key=... and &signature=..., which are secrets in a query string only.
        (r"([?&;][\w.-]*(?:key|sig|signature)=)[^&;\s#'\"]+", rf"\1{MASK}"),
        # Header fields: Authorization: Bearer ..., X-API-Key: ...
        (
            r"((?:authorization|x-[\w-]{0,64}(?:key|token|secret))\s*[:=]\s*(?:\w+ +)?)[^\s'\",]+",
            rf"\1{MASK}",
        ),
        # Keys that say what they are, as those of age and of our backups do.
        (r"\b(AGE-SECRET-KEY-1|OPS-KEY-1-)[\w-]{1,200}", rf"\1{MASK}"),
        # password=..., --api-key='...' and {"token": "..."}, on one line: the next is another's.
        (
            rf"({_NAME}[\w.-]{{0,64}}(?:['\"]\s*:|\s*=)[^\S\n]*)"
            r"(?:'[^']*'|\"[^\"]*\"|[^\s&;,'\"#)}\]]+)",
            rf"\1{MASK}",
        ),
    )
]


def mask_secrets(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a copy of ``arguments`` in which secrets are replaced by :data:`MASK`.

    A value is a secret when its name says so (``api_key``, ``client_secret``, ``password``), or
    when it follows such an option in a list (``["--password", "x"]``). Texts are masked as by
    :func:`mask_text` wherever they stand; sets and tuples become lists, other objects stay.
    """
    return {
        name: MASK if _SECRET_NAME.search(name) and value not in _NO_SECRETS else _masked(value)
        for name, value in arguments.items()
    }


def mask_text(text: str) -> str:
    """Return ``text`` with the passwords of its URLs and what it assigns to secrets masked."""
    for pattern, replacement in _MASKED_PARTS:
        text = pattern.sub(replacement, text)
    return text


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return mask_secrets({str(key): item for key, item in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return list(_masked_items(value))
    return value


def _masked_items(items: Iterable[Any]) -> Iterator[Any]:
    is_secret = False
    for item in items:
        yield MASK if is_secret else _masked(item)
        is_secret = isinstance(item, str) and bool(_SECRET_OPTION.fullmatch(item))
