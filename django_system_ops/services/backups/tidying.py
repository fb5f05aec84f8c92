"""Removing what is not needed any more."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django_system_ops.conf import get_conf
from django_system_ops.engine.retention import Kept, expired
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.backups.catalogue import Entry, entries
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import MANIFEST
from django_system_ops.services.backups.objects import objects_of

__all__ = ["Tidied", "tidy"]

_UNFINISHED_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Tidied:
    """
    What was removed, or would be.

    Attributes:
        expired: ids of backups.
        unfinished: ids of directories of runs that were killed more than a day ago.
        objects, object_bytes: contents of media files that no backup needs.
        notes: what was left because nobody can tell whether it is needed.
    """

    expired: Sequence[str]
    unfinished: Sequence[str]
    objects: int
    object_bytes: int
    notes: Sequence[str]


def tidy(
    directory: BackupDirectory, *, now: datetime, newest: int | None = None, dry_run: bool = False
) -> Tidied:
    """
    Remove backups that are older than the settings say, and what killed runs have left.

    The caller is at work in the directory, so that nobody else is. With ``newest`` so many of
    the newest of each part stay instead, whatever their age.
    """
    known = entries(directory)
    going = expired(
        (_kept(one) for one in known if one.manifest),
        now=now,
        days=get_conf().backup.retention_days,
        newest=newest,
    )
    unfinished = [one.id for one in known if one.is_unfinished and _is_old(one.place, now)]
    if not dry_run:
        for backup in (*going, *unfinished):
            remove(directory.path / backup)
    staying = [one for one in known if one.id not in {*going, *unfinished}]
    objects, size, notes = _sweep(directory, staying, dry_run=dry_run)
    return Tidied(going, unfinished, objects, size, notes)


def remove(place: Path) -> None:
    """Remove a backup: its manifest first, so that half of one is never taken for a whole one."""
    (place / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(place)


def _kept(entry: Entry) -> Kept:
    assert entry.manifest is not None
    manifest = entry.manifest
    return Kept(
        manifest.id, manifest.created_at, manifest.parts, entry.is_verified, is_bad=entry.is_bad
    )


def _is_old(place: Path, now: datetime) -> bool:
    return now.timestamp() - place.lstat().st_mtime > _UNFINISHED_AFTER.total_seconds()


def _sweep(
    directory: BackupDirectory, staying: Sequence[Entry], *, dry_run: bool
) -> tuple[int, int, list[str]]:
    """Remove the objects that no backup needs; none, where one backup cannot say what it needs."""
    if not directory.objects.is_dir():
        return 0, 0, []
    needed: set[str] = set()
    for entry in staying:
        if entry.manifest is None and not entry.is_unfinished:
            return 0, 0, [f"Media files were left: {entry.problem}"]
        if entry.manifest is None or entry.manifest.media is None:
            continue
        try:
            needed.update(name for name, _, _ in objects_of(entry.place, entry.manifest.media))
        except (SystemOpsError, OSError, ValueError) as error:
            return 0, 0, [f"Media files were left: {error}"]
    count = size = 0
    for path in directory.objects.rglob("*"):
        if (path.is_dir() and not path.is_symlink()) or path.name in needed:
            continue
        count, size = count + 1, size + path.lstat().st_size
        if not dry_run:
            path.unlink()
    return count, size, []
