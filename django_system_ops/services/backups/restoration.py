"""Restoring a backup: beside what is live, looked at, and only then in its place."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from django.db import Error as DatabaseError

from django_system_ops.exceptions import (
    BackupError,
    NotTriedError,
    SystemOpsError,
    WrongUsageError,
)
from django_system_ops.sealing import Key, checked_chunks, create_private, naming_full_disk
from django_system_ops.services.backups.catalogue import note_verified
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import DatabasePart, Manifest
from django_system_ops.services.backups.restoring import (
    Scratch,
    Target,
    differences,
    scratch_for,
)
from django_system_ops.services.backups.restoring.media import MediaScratch, media_problems
from django_system_ops.services.backups.verifying import hash_problems

__all__ = ["VERIFICATIONS", "Restored", "restore", "verify", "write_rows"]

VERIFICATIONS = ("hash", "restore")


@dataclass(frozen=True)
class Restored:
    """
    What a restore came to.

    Attributes:
        database: the name of the restored database, or the path of its file; empty without one.
        kept_as: what the one is called now that was live before.
        rows: how many it has.
        media: how many files were restored.
    """

    database: str = ""
    kept_as: str = ""
    rows: int = 0
    media: int = 0


def verify(
    directory: BackupDirectory,
    manifest: Manifest,
    how: str,
    *,
    key: Key | None,
    now: datetime,
    alias: str = "",
    check: Callable[[], None] = lambda: None,
) -> list[str]:
    """
    Return what is wrong with a backup, and write down that it was looked at.

    "hash" compares what is on the disk with the manifest, and needs no key. "restore" also
    restores the database into one of its own, compares that, and drops it; and it reads every
    media file.

    Raises:
        DatabaseError: the server is away, so that nobody knows.
        NotTriedError: something is missing here: the key, a program, room.
    """
    problems = hash_problems(directory, manifest)
    if how == "restore" and not problems:
        problems = list(_trial_problems(directory, manifest, key, alias, check))
    note_verified(directory.place(manifest.id), how, ok=not problems, now=now)
    return problems


def restore(
    directory: BackupDirectory,
    manifest: Manifest,
    target: Target,
    *,
    key: Key | None,
    now: datetime,
    alias: str = "",
    media_to: Path | None = None,
    check: Callable[[], None] = lambda: None,
) -> Restored:
    """
    Restore a backup's database as ``target`` says, and its media files into a directory.

    Nothing is there under its new name before all of it is whole and as the manifest says. After
    a failure what was live is as it was, and what was restored is gone.

    Raises:
        WrongUsageError: the backup has not what is wanted, or there is something in the way.
        BackupError: it is damaged, or cannot take its place; says why.
    """
    part = manifest.database
    wants_database = bool(target.into or target.into_live)
    _require_parts(manifest, database=wants_database, media=media_to is not None)
    scratch = media = None
    if part is not None and wants_database:
        scratch = scratch_for(alias or part.alias, part, target, directory.place(manifest.id))
        scratch.prepare()
    if media_to is not None:
        media = MediaScratch(directory, manifest, media_to)
        media.prepare()
    if problems := hash_problems(directory, manifest, with_objects=media is not None):
        note_verified(directory.place(manifest.id), "hash", ok=False, now=now)
        raise BackupError(f"The backup {manifest.id} is damaged: {problems[0]}")
    with _dropping(scratch, media):
        found = Restored()
        if media is not None and manifest.media is not None:
            found = replace(found, media=media.load(manifest.media, key, check))
        if scratch is not None and part is not None:
            problems = _load(directory, manifest, part, scratch, key, check)
            note_verified(directory.place(manifest.id), "restore", ok=not problems, now=now)
            if problems:
                raise BackupError(f"What was restored is not what was backed up: {problems[0]}")
            if media is not None:
                # First: what is live changes last, when nothing else can go wrong.
                media.finish()
            kept_as = scratch.finish()
            found = replace(
                found,
                database=target.into or "live",
                kept_as=kept_as,
                rows=sum(part.rows.values()),
            )
        elif media is not None:
            media.finish()
    return found


def _require_parts(manifest: Manifest, *, database: bool, media: bool) -> None:
    if database and manifest.database is None:
        raise WrongUsageError(f"The backup {manifest.id} has no database in it.")
    if media and manifest.media is None:
        raise WrongUsageError(f"The backup {manifest.id} has no media files in it.")


def _trial_problems(
    directory: BackupDirectory,
    manifest: Manifest,
    key: Key | None,
    alias: str,
    check: Callable[[], None],
) -> Iterator[str]:
    place = directory.place(manifest.id)
    try:
        if part := manifest.database:
            scratch = scratch_for(alias or part.alias, part, Target(manifest.id), place)
            with _dropping(scratch, None):
                yield from _load(directory, manifest, part, scratch, key, check)
            scratch.drop()
        if manifest.config:
            json.loads(
                b"".join(checked_chunks(place / manifest.config.name, manifest.config, key=key))
            )
        if rows := manifest.rows:
            for _ in checked_chunks(place / rows.file.name, rows.file, key=key):
                check()
    except (WrongUsageError, NotTriedError):
        raise
    except (BackupError, ValueError) as error:
        yield str(error)
    if manifest.media:
        yield from media_problems(directory, manifest, manifest.media, key)


def _load(
    directory: BackupDirectory,
    manifest: Manifest,
    part: DatabasePart,
    scratch: Scratch,
    key: Key | None,
    check: Callable[[], None],
) -> list[str]:
    """Load the dump, and return what is not as the manifest says."""

    def chunks() -> Iterator[bytes]:
        path = directory.place(manifest.id) / part.file.name
        for data in checked_chunks(path, part.file, key=key):
            check()
            yield data

    scratch.load(chunks())
    return list(differences(part, scratch.contents()))


def write_rows(
    directory: BackupDirectory, manifest: Manifest, path: Path, *, key: Key | None
) -> int:
    """
    Write the rows of a tenant into a new file that its owner alone can read; return how many.

    Raises:
        WrongUsageError: the backup has none, or the file is there already.
        BackupError: they are not what was written; then there is no file.
    """
    if (part := manifest.rows) is None:
        raise WrongUsageError(f"The backup {manifest.id} is not of a tenant's rows.")
    source = directory.place(manifest.id) / part.file.name
    try:
        descriptor = create_private(path)
    except FileExistsError as error:
        raise WrongUsageError(f"--rows-to {path}: there is such a file already.") from error
    try:
        with naming_full_disk(path), os.fdopen(descriptor, "wb") as file:
            for data in checked_chunks(source, part.file, key=key):
                file.write(data)
    except BaseException:
        path.unlink()
        raise
    return sum(part.rows.values())


@contextmanager
def _dropping(scratch: Scratch | None, media: MediaScratch | None) -> Iterator[None]:
    """Remove what was restored when it cannot become what it was to become."""
    try:
        yield
    except BaseException:
        if scratch is not None:
            # What went wrong first is what counts.
            with suppress(SystemOpsError, DatabaseError, OSError):
                scratch.drop()
        if media is not None:
            with suppress(OSError):
                media.drop()
        raise
