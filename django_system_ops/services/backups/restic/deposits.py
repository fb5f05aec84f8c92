"""
The backups in a repository.

Each part of a backup is a snapshot of its own, tagged with the backup's id. Last comes one of its
manifest, tagged with what a list shows and retention needs: parts without it are no backup.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from django.conf import ENVIRONMENT_VARIABLE
from django.db import DEFAULT_DB_ALIAS, connections
from pydantic import BaseModel, ConfigDict, ValidationError

from django_system_ops.conf import get_conf
from django_system_ops.engine.backup_names import is_backup_id
from django_system_ops.engine.retention import Kept, expired
from django_system_ops.exceptions import BackupError, DamagedError, WrongUsageError
from django_system_ops.services.backups.catalogue import words_of
from django_system_ops.services.backups.manifests import (
    MANIFEST,
    MOST_MANIFEST_BYTES,
    DatabaseFacts,
    TenantFacts,
)
from django_system_ops.services.backups.restic.repository import Repository, Snapshot

__all__ = ["Deposit", "Deposits", "Entry", "Listing", "Stream", "labels", "site_name"]

_FORMAT = 1
_UNFINISHED_AFTER = timedelta(days=1)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stream(_Model):
    """A file with a snapshot of its own: its name there, and what went in."""

    name: str
    bytes: int
    sha256: str


class Listing(_Model):
    """
    The media files.

    Attributes:
        root: the directory they were in.
        files, bytes: all that there are.
        new_files, new_bytes: what was not in an earlier backup; bytes as stored.
        skipped: links and what else is no file.
        problems: files that could not be read.
    """

    root: str
    files: int
    bytes: int
    new_files: int
    new_bytes: int
    skipped: list[str]
    problems: list[str]


class Deposit(_Model):
    """
    The manifest of a backup in a repository.

    Attributes:
        streams: of the database, the configuration and the rows of a tenant, by these names.
    """

    format: int = _FORMAT
    id: str
    created_at: datetime
    type: str
    tenant: str = ""
    site: dict[str, str]
    notes: list[str] = []
    streams: dict[str, Stream]
    database: DatabaseFacts | None = None
    media: Listing | None = None
    rows: TenantFacts | None = None

    @property
    def bytes(self) -> int:
        """Return what it would take by itself, uncompressed."""
        media = self.media.bytes if self.media else 0
        return media + sum(one.bytes for one in self.streams.values())

    @property
    def parts(self) -> frozenset[str]:
        """Return what is in it, for retention: of each there is always one left."""
        found = {f"database {self.database.alias}"} if self.database else set()
        found |= {"media"} if self.media else set()
        found |= {"config"} if "config" in self.streams else set()
        found |= {f"tenant {self.tenant}"} if self.rows else set()
        return frozenset(found)


@dataclass(frozen=True)
class Entry:
    """
    A backup, by the tags of its manifest.

    Attributes:
        manifest: the snapshot of it.
        snapshots: those of the parts.
        facts: "type", "tenant", "bytes".
        verified: how it was looked at, and whether it was whole.
    """

    id: str
    manifest: Snapshot
    snapshots: Sequence[Snapshot]
    parts: frozenset[str]
    facts: Mapping[str, str]
    verified: Mapping[str, bool]

    @property
    def is_ours(self) -> bool:
        """Return whether this site made it, and not another one that shares the repository."""
        return self.facts.get("site") == site_name()

    @property
    def created_at(self) -> datetime:
        """Return when it was begun, in whole seconds, as its id says."""
        stamp = self.id.partition("-")[0]
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def labels(deposit: Deposit) -> list[str]:
    """Return the tags of a deposit's manifest."""
    facts = {
        "site": site_name(),
        "type": deposit.type,
        "tenant": deposit.tenant,
        "bytes": str(deposit.bytes),
    }
    return [
        *(_label("part", one) for one in sorted(deposit.parts)),
        *(_label(name, value) for name, value in facts.items()),
    ]


def site_name() -> str:
    """Return what this site is called in a repository."""
    if name := get_conf().backup.restic.site:
        return name
    package = os.environ.get(ENVIRONMENT_VARIABLE, "").partition(".")[0]
    database = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
    return f"{package} {database}".strip()


class Deposits:
    """What there is in a repository: of this site, and of those that share it."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._snapshots = repository.snapshots()

    def entries(self) -> list[Entry]:
        """Return the whole backups of this site, oldest first."""
        return [one for one in self.all_entries() if one.is_ours]

    def all_entries(self) -> list[Entry]:
        """Return the whole backups of all sites, oldest first."""
        found: dict[str, list[Snapshot]] = {}
        for one in self._snapshots:
            for tag in one.tags:
                if is_backup_id(tag):
                    found.setdefault(tag, []).append(one)
        whole = []
        for backup, snapshots in found.items():
            for one in snapshots:
                if one.path == f"/{MANIFEST}":
                    rest = [other for other in snapshots if other is not one]
                    whole.append(_entry(backup, one, rest))
        # An id tells seconds; what is of one second stays as it came.
        return sorted(whole, key=lambda one: one.created_at)

    def found(self, wanted: str, *, part: str = "", alias: str = "") -> Entry:
        """
        Return a backup: of an id, of whichever site, or "latest", the newest of this site with
        this part, as in the directory.

        Raises:
            WrongUsageError: there is none.
        """
        if wanted != "latest":
            for one in self.all_entries():
                if one.id == wanted:
                    return one
            raise WrongUsageError(
                f"There is no backup {wanted!r} in the repository: backup_data --list shows those "
                "that are."
            )
        if (entry := _newest(list(reversed(self.entries())), part, alias)) is not None:
            return entry
        raise WrongUsageError(
            f"There is no backup{words_of(part, alias)} of the site {site_name()!r} in the "
            "repository."
        )

    def deposit(self, entry: Entry) -> Deposit:
        """
        Return the manifest of a backup.

        Raises:
            BackupError: it cannot be read, or is none that this version knows.
        """
        data = bytearray()

        def take(more: memoryview) -> None:
            data.extend(more)
            if len(data) > MOST_MANIFEST_BYTES:
                raise DamagedError(f"The manifest of {entry.id} is too large to be one.")

        self.repository.read(entry.manifest, take)
        try:
            deposit = Deposit.model_validate_json(bytes(data))
        except ValidationError as error:
            raise DamagedError(
                f"The manifest of {entry.id} is not what this version of django-opskit writes."
            ) from error
        if deposit.format != _FORMAT or deposit.id != entry.id:
            raise DamagedError(f"The manifest of {entry.id} belongs to something else.")
        return deposit

    def snapshot(self, entry: Entry, path: str) -> Snapshot:
        """
        Return the snapshot of a part.

        Raises:
            DamagedError: it is gone.
        """
        for one in entry.snapshots:
            if one.path == path:
                return one
        raise DamagedError(f"The snapshot of {path} is gone from the backup {entry.id}.")

    def note_verified(self, entry: Entry, how: str, *, ok: bool) -> None:
        """Write down that a backup was looked at, and what came of it."""
        new, old = (_label(how, word) for word in ("ok", "bad")[:: 1 if ok else -1])
        try:
            self.repository.add_tags(entry.manifest, new, instead_of=[old])
        except BackupError as error:
            raise BackupError(f"What came of the look is not written down: {error}") from error

    def expired(self, *, now: datetime, newest: int | None) -> tuple[list[str], list[str]]:
        """Return the ids of backups that are too old, and of those that were never finished."""
        entries, everybodys = self.entries(), self.all_entries()
        kept = [
            Kept(
                one.id,
                one.created_at,
                one.parts,
                bool(one.verified) and all(one.verified.values()),
                is_bad=not all(one.verified.values()),
            )
            for one in entries
        ]
        days = get_conf().backup.retention_days
        whole = {one.id for one in everybodys}
        limit = (now - _UNFINISHED_AFTER).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        begun = {tag for one in self._snapshots for tag in one.tags if is_backup_id(tag)}
        halves = sorted(one for one in begun - whole if one < limit)
        return list(expired(kept, now=now, days=days, newest=newest)), halves

    def remove(self, backups: Iterable[str], check: Callable[[], None]) -> None:
        """Remove backups: their manifests first, so that half of one is never a whole one."""
        going = set(backups)
        ours = [one for one in self._snapshots if going.intersection(one.tags)]
        manifests = [one.id for one in ours if one.path == f"/{MANIFEST}"]
        for ids in (manifests, [one.id for one in ours if one.id not in manifests]):
            if ids:
                self.repository.forget(ids, check)


def _entry(backup: str, manifest: Snapshot, snapshots: Sequence[Snapshot]) -> Entry:
    pairs = [_pair(tag) for tag in manifest.tags if "=" in tag]
    facts = {name: value for name, value in pairs if name != "part"}
    return Entry(
        backup,
        manifest,
        snapshots,
        frozenset(value for name, value in pairs if name == "part"),
        facts,
        {how: facts[how] == "ok" for how in ("hash", "restore") if how in facts},
    )


def _label(name: str, value: Any) -> str:
    # A comma would begin another tag.
    return f"{name}={quote(str(value), safe=' ')}"


def _pair(tag: str) -> tuple[str, str]:
    name, _, value = tag.partition("=")
    return name, unquote(value)


def _newest(newest_first: Sequence[Entry], part: str, alias: str) -> Entry | None:
    def first(word: str) -> Entry | None:
        return next((one for one in newest_first if any(_is(it, word) for it in one.parts)), None)

    if part in ("", "database"):
        found = first(f"database {alias or DEFAULT_DB_ALIAS}")
        if found is None and not alias:
            found = first("database")
        if found is not None or part:
            return found
        return next((one for one in newest_first if not one.facts.get("tenant")), None)
    return first("tenant" if part == "rows" else part)


def _is(part: str, word: str) -> bool:
    return part == word or part.startswith(f"{word} ")
