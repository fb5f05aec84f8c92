"""Which backups there are, and what is known about each."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from django_system_ops.exceptions import BackupError, SystemOpsError, WrongUsageError
from django_system_ops.sealing import Key, write_whole
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import MANIFEST, Manifest, read_manifest

__all__ = ["VERIFIED", "Entry", "entries", "found", "newest", "note_verified", "words_of"]

VERIFIED = "verified.json"


@dataclass(frozen=True)
class Entry:
    """
    A directory among the backups.

    Attributes:
        manifest: None where it was never finished, or is damaged.
        problem: why it cannot be trusted; empty for a whole one.
        verified: when it was last looked at: {"hash": {"at": …, "ok": True}, "restore": …}.
    """

    id: str
    place: Path
    manifest: Manifest | None = None
    problem: str = ""
    verified: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_unfinished(self) -> bool:
        """Return whether it never got its manifest."""
        return not (self.place / MANIFEST).exists()

    @property
    def is_bad(self) -> bool:
        """Return whether a look found it damaged."""
        return any(
            one.get("ok") is False for one in self.verified.values() if isinstance(one, Mapping)
        )

    @property
    def is_verified(self) -> bool:
        """Return whether it was looked at and no look found it damaged."""
        looks = [one.get("ok") for one in self.verified.values() if isinstance(one, Mapping)]
        return bool(looks) and all(looks)


def entries(directory: BackupDirectory, key: Key | None = None) -> list[Entry]:
    """Return all that is there, oldest first; with a key, only what a holder of it can write."""
    # An id tells seconds, and two backups may be of one.
    return sorted((_entry(directory, one, key) for one in directory.ids()), key=_age)


def found(
    directory: BackupDirectory,
    wanted: str,
    key: Key | None,
    *,
    part: str = "",
    alias: str = "",
) -> Manifest:
    """
    Return the manifest of a backup: of an id, or of "latest", the newest whole one.

    With ``part`` the newest one that has this part: "database", "media", "config" or "rows";
    without it the newest one that has a database, if there is one. The database is that of
    ``alias``; without one it is the default one, if any backup has that.

    Raises:
        WrongUsageError: there is no such backup.
        BackupError: it cannot be trusted, or the newest cannot when "latest" is asked for.
    """
    if wanted != "latest":
        return read_manifest(directory.place(wanted), key)
    known = entries(directory, key)
    manifests = [one.manifest for one in known if one.manifest]
    if (manifest := newest(reversed(manifests), part, alias)) is not None:
        _require_none_newer(known, manifest)
        return manifest
    raise WrongUsageError(f"There is no whole backup{words_of(part, alias)} in {directory.path}.")


def _require_none_newer(known: Sequence[Entry], manifest: Manifest) -> None:
    """Refuse to take an older backup for the newest where that was finished and is damaged."""
    for entry in reversed(known):
        if entry.id == manifest.id:
            return
        if entry.manifest is None and not entry.is_unfinished:
            raise BackupError(
                f"The newest backup cannot be trusted: {entry.problem} The newest of the others "
                f"is {manifest.id}: name it, if that will do."
            )


def newest(newest_first: Iterable[Manifest], part: str, alias: str) -> Manifest | None:
    """Return the first that has a part, as :func:`found` says; None if none has."""
    of_any = fallback = None
    for manifest in newest_first:
        if _has_part(manifest, part or "database", alias or DEFAULT_DB_ALIAS):
            return manifest
        if of_any is None and not alias and part in ("", "database") and manifest.database:
            of_any = manifest
        # A tenant's is only meant where its rows are asked for.
        if not part and fallback is None and not manifest.tenant:
            fallback = manifest
    return of_any or fallback


def _has_part(manifest: Manifest, part: str, alias: str) -> bool:
    if part == "database":
        return manifest.database is not None and manifest.database.alias == alias
    return getattr(manifest, part) is not None


def words_of(part: str, alias: str) -> str:
    """Return what a backup was to have, as the end of a sentence."""
    if part == "database" and alias:
        return f" of the database {alias!r}"
    return f" with {part} in it" if part else ""


def note_verified(place: Path, how: str, *, ok: bool, now: datetime) -> None:
    """Write down that a backup was looked at, and what came of it."""
    known = {**_verified(place), how: {"at": now.isoformat(), "ok": ok}}
    write_whole(place / VERIFIED, json.dumps(known).encode() + b"\n")


def _age(entry: Entry) -> tuple[str, float, str]:
    # Of one second, what says nothing of itself may be the newest.
    made = entry.manifest.created_at.timestamp() if entry.manifest else math.inf
    return entry.id.partition("-")[0], made, entry.id


def _entry(directory: BackupDirectory, backup: str, key: Key | None) -> Entry:
    place = directory.path / backup
    try:
        manifest = read_manifest(directory.place(backup), key)
    except (SystemOpsError, OSError) as error:
        return Entry(backup, place, problem=str(error))
    return Entry(backup, place, manifest, verified=_verified(place))


def _verified(place: Path) -> dict[str, Any]:
    try:
        known = json.loads((place / VERIFIED).read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
