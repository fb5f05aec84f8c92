"""Names of checks: unique, short enough for their column, and with a form for addresses."""

import hashlib
import re
import unicodedata
from collections.abc import Container

__all__ = ["LONGEST_NAME", "fitted", "slug_of", "unique"]

#: The published length of ``HeathCheckJob.name``.
LONGEST_NAME = 50
_DIGEST_LENGTH = 6


def fitted(name: str, length: int = LONGEST_NAME) -> str:
    """
    Return ``name`` in at most ``length`` characters.

    What is cut off is replaced by a digest of the whole, so that two long names that begin alike
    stay two. Characters that no database takes, or no console shows, become spaces.
    """
    printable = "".join(character if character.isprintable() else " " for character in name)
    short = " ".join(printable.split()) or "check"
    if len(short) <= length:
        return short
    digest = hashlib.sha256(short.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"{short[: length - _DIGEST_LENGTH - 1].rstrip()}~{digest}"


def slug_of(name: str) -> str:
    """Return ``name`` in lower-case ASCII letters, digits and hyphens; never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    # DatabaseBackend is read as two words, DNS and HTTP2 as one.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", plain)
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-") or "check"


def unique(name: str, taken: Container[str], separator: str = " ") -> str:
    """Return ``name``, with a number behind it when it is taken: ``Cache``, ``Cache 2``."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        ending = f"{separator}{number}"
        candidate = fitted(name, LONGEST_NAME - len(ending)) + ending
    return candidate
