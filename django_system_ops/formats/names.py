"""What the formats are called, and how a file says which one it has."""

from pathlib import PurePath

from django_system_ops.exceptions import WrongUsageError

__all__ = ["FORMATS", "format_of", "keeps_types"]

#: The formats, and how the names of their files end.
FORMATS = {
    "csv": (".csv",),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
    "xml": (".xml",),
    "xlsx": (".xlsx",),
}

_COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".zip")


def format_of(name: str | PurePath) -> str:
    """
    Return the format that the name of a file says.

    Raises:
        WrongUsageError: it says none, or that the file is compressed.
    """
    suffix = PurePath(name).suffix.lower()
    for one, suffixes in FORMATS.items():
        if suffix in suffixes:
            return one
    if suffix in _COMPRESSED:
        raise WrongUsageError(f"{str(name)!r} is compressed: unpack it first.")
    known = ", ".join(end for suffixes in FORMATS.values() for end in suffixes)
    raise WrongUsageError(
        f"{str(name)!r} does not say its format: its name should end with {known}."
    )


def keeps_types(format: str) -> bool:
    """Return whether numbers, truth values, lists and objects come back as such."""
    return format in {"json", "jsonl"}
