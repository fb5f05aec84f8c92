"""
What stands in a backup's ``manifest.json``: all that is needed to trust it.

It is written last: a directory without one is no backup. It carries a checksum of itself, and
with encryption an HMAC by the key, so that nobody without the key can write another.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from django_system_ops.engine.backup_names import is_file_name
from django_system_ops.exceptions import BackupError, DamagedError, WrongKeyError
from django_system_ops.sealing import Key, StoredFile, write_whole

__all__ = [
    "MANIFEST",
    "MOST_MANIFEST_BYTES",
    "DatabaseFacts",
    "DatabasePart",
    "Manifest",
    "MediaPart",
    "TenantFacts",
    "TenantPart",
    "parse_manifest",
    "read_manifest",
    "write_manifest",
]

MANIFEST = "manifest.json"
_FORMAT = 1
MOST_MANIFEST_BYTES = 64 * 2**20


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseFacts(_Model):
    """
    What is known of the dump of one database.

    Attributes:
        rows: how many rows each table had at the moment of the dump.
        rows_after: how many those tables had after it that were written to meanwhile, where the
            moment itself cannot be had (MariaDB and MySQL). Empty where ``rows`` are exact.
        migrations: what was applied, as "app.name".
        journal_mode: of SQLite, which the copy itself does not keep.
    """

    alias: str
    vendor: str
    name: str
    server_version: str
    tools: dict[str, str]
    rows: dict[str, int]
    rows_after: dict[str, int] = {}
    migrations: list[str]
    journal_mode: str = ""


class DatabasePart(DatabaseFacts):
    """The dump of one database, in a file."""

    file: StoredFile


class MediaPart(_Model):
    """
    The media files: their list, and which objects hold their contents.

    Attributes:
        files, bytes: all that there are.
        new_objects, new_bytes: what was not in an earlier backup; bytes as stored.
        skipped: links and what else is no file; they are never in a backup.
        problems: files that could not be read, or not as they were at one moment.
        index: lines of JSON, one for each file.
        objects: lines "name size sha256" as stored: they can be checked without a key.
    """

    files: int
    bytes: int
    new_objects: int
    new_bytes: int
    skipped: list[str]
    problems: list[str]
    index: StoredFile
    objects: StoredFile


class TenantFacts(_Model):
    """What is known of the rows of one tenant."""

    rows: dict[str, int]
    warnings: list[str]


class TenantPart(TenantFacts):
    """The rows of one tenant, as lines of JSON."""

    file: StoredFile


class Manifest(_Model):
    """
    All about a backup; see the module.

    Attributes:
        type: what was asked for, as in ``--type``, or "tenant".
        parent: the backup before it, whose media files were not read again where unchanged. It
            is not needed to restore this one.
        site: where it was made, and by which versions.
        key: the key of this backup alone, encrypted for the recipients of age.
        notes: what is not in it and was in the one before, as sentences.
    """

    format: int = _FORMAT
    id: str
    created_at: datetime
    type: str
    tenant: str = ""
    parent: str = ""
    site: dict[str, str]
    compression: str
    encryption: str
    key_id: str
    key: StoredFile | None = None
    notes: list[str] = []
    database: DatabasePart | None = None
    media: MediaPart | None = None
    config: StoredFile | None = None
    rows: TenantPart | None = None

    @property
    def files(self) -> Sequence[StoredFile]:
        """Return the files in the backup's directory."""
        found = [self.key, self.config]
        found += [self.database.file] if self.database else []
        found += [self.media.index, self.media.objects] if self.media else []
        found += [self.rows.file] if self.rows else []
        return [one for one in found if one is not None]

    @property
    def stored_bytes(self) -> int:
        """Return what it takes on the disk, without media that earlier backups brought."""
        media = self.media.new_bytes if self.media else 0
        return media + sum(one.stored_bytes for one in self.files)

    @property
    def is_encrypted(self) -> bool:
        """Return whether a key is needed to read it."""
        return self.encryption != "none"

    @property
    def parts(self) -> frozenset[str]:
        """Return what is in it, for retention: of each there is always one left."""
        found = {f"database {self.database.alias}"} if self.database else set()
        found |= {"media"} if self.media else set()
        found |= {"config"} if self.config else set()
        found |= {f"tenant {self.tenant}"} if self.rows else set()
        return frozenset(found)


def write_manifest(place: Path, manifest: Manifest, key: Key | None) -> None:
    """Make a directory a backup."""
    document = json.loads(manifest.model_dump_json())
    data = json.dumps(_signed(document, key), indent=1).encode() + b"\n"
    if len(data) > MOST_MANIFEST_BYTES:
        raise BackupError(
            f"The manifest would have {len(data) // 2**20} MiB, and no more than "
            f"{MOST_MANIFEST_BYTES // 2**20} are read."
        )
    write_whole(place / MANIFEST, data)


def read_manifest(place: Path, key: Key | None) -> Manifest:
    """
    Return the manifest of a backup; with its key, one that only a holder of the key can write.

    Raises:
        BackupError: there is none, or it is of a format that this version does not know.
        DamagedError: somebody or something has changed it.
        WrongKeyError: the backup was sealed with another key.
    """
    path = place / MANIFEST
    try:
        if path.is_symlink() or path.stat().st_size > MOST_MANIFEST_BYTES:
            raise DamagedError(f"{path} is not what a backup wrote there.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise BackupError(
            f"{place} has no manifest: that backup was never finished, and cannot be trusted."
        ) from error
    return parse_manifest(data, path, key)


def parse_manifest(data: bytes, path: PurePath, key: Key | None) -> Manifest:
    """
    Return the manifest that was read from ``path``, whose folder is called as the backup.

    Raises:
        As :func:`read_manifest`.
    """
    try:
        document = json.loads(data)
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: it is no JSON.") from error
    return _trusted(document, path, key)


def _trusted(document: Any, path: PurePath, key: Key | None) -> Manifest:
    seals = {}
    if isinstance(document, dict):
        seals = {name: document.pop(name, "") for name in ("checksum", "hmac")}
        if document.get("format") != _FORMAT:
            raise BackupError(
                f"{path} has the format {document.get('format')!r}, and this version of "
                f"django-opskit reads {_FORMAT}. Use the version that made it."
            )
    if not seals or not hmac.compare_digest(_checksum(document), str(seals["checksum"])):
        raise DamagedError(f"{path} is damaged: its checksum is another.")
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError as error:
        raise DamagedError(f"{path} is not what this version of django-opskit writes.") from error
    if manifest.id != path.parent.name:
        raise DamagedError(f"{path} belongs to the backup {manifest.id!r}, not here.")
    if not all(is_file_name(one.name) for one in manifest.files):
        raise DamagedError(f"{path} names a file outside of its directory.")
    # One of another run has a key of its own, whose holder alone can say more.
    is_ours = key is not None and (manifest.key is None or manifest.key_id == key.id)
    if key is not None and is_ours and manifest.is_encrypted:
        _require_hmac(document, str(seals["hmac"]), manifest, path, key)
    return manifest


def _require_hmac(document: Any, found: str, manifest: Manifest, path: PurePath, key: Key) -> None:
    if manifest.key_id != key.id:
        raise WrongKeyError(
            f"The backup {manifest.id} was sealed with the key {manifest.key_id}, and the key here "
            f"is {key.id}. Name the right file in MANAGEMENT_COMMANDS['backup']['key_file']."
        )
    if not hmac.compare_digest(_hmac(document, key), found):
        raise DamagedError(f"{path} was changed by somebody who has not the key.")


def _signed(document: dict[str, Any], key: Key | None) -> dict[str, Any]:
    seals = {"checksum": _checksum(document)}
    if key is not None:
        seals["hmac"] = _hmac(document, key)
    return {**document, **seals}


def _checksum(document: Any) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()


def _hmac(document: Any, key: Key) -> str:
    return key.tag(b"manifest", _canonical(document))


def _canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
