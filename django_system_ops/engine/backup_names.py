"""What backups and what is made of them are called."""

import hashlib
import re
from datetime import UTC, datetime

__all__ = ["backup_id", "before_name", "is_backup_id", "is_file_name", "restored_name", "slug"]

_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}(?:-[a-z0-9]+(?:-[a-z0-9]+)*)?", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}", re.ASCII)
_SLUG_LENGTH = 40


def backup_id(created_at: datetime, suffix: str, tenant: str = "") -> str:
    """
    Return the id of a backup, which sorts by its moment.

    Args:
        created_at: aware.
        suffix: eight random hexadecimal digits.
        tenant: whose data it is; everybody's if empty.
    """
    stamp = created_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return "-".join(filter(None, (stamp, suffix, slug(tenant))))


def is_backup_id(text: str) -> bool:
    """Return whether a text may be an id: nothing else may become part of a path."""
    return _ID.fullmatch(text) is not None


def is_file_name(text: str) -> bool:
    """Return whether a text may be the name of a file of a backup."""
    return _FILE.fullmatch(text) is not None


def slug(text: str) -> str:
    """Return what of a text can stand in a name; two texts may have the same."""
    words = re.findall(r"[a-z0-9]+", text.lower(), re.ASCII)
    if text and not words:  # a name in another script
        words = [hashlib.sha256(text.encode()).hexdigest()[:8]]
    return "-".join(words)[:_SLUG_LENGTH].rstrip("-")


def restored_name(backup: str) -> str:
    """Return the name of the database into which a backup is restored first."""
    return f"restore_{_short(backup)}"


def before_name(database: str, backup: str, longest: int) -> str:
    """
    Return the name under which a database stays when a backup takes its place.

    It has at most ``longest`` bytes, which is what the server allows.
    """
    ending = f"_before_{_short(backup)}"
    room = longest - len(ending)
    return database.encode()[:room].decode("utf-8", "ignore") + ending


def _short(backup: str) -> str:
    """Return moment and random part of an id, as identifiers have them."""
    return "_".join(backup.lower().split("-")[:2])
