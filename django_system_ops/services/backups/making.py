"""Making a backup: whole, or not at all."""

import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django_system_ops.conf import get_conf
from django_system_ops.engine.backup_names import backup_id
from django_system_ops.exceptions import BackupError
from django_system_ops.sealing import Key, StoredFile, StoredWriter, naming_full_disk
from django_system_ops.services.backups.catalogue import entries
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.dumping import dumper_of
from django_system_ops.services.backups.manifests import (
    DatabasePart,
    Manifest,
    TenantPart,
    write_manifest,
)
from django_system_ops.services.backups.media import back_up_media
from django_system_ops.services.backups.media_sources import media_source
from django_system_ops.services.backups.parts import (
    CONFIG,
    ROWS,
    dump_database,
    dump_name,
    dump_rows,
    missing_media,
    site,
    write_config,
)
from django_system_ops.services.backups.recipients import seal_key

__all__ = ["TYPES", "Order", "make_backup"]

#: What each ``--type`` has in it.
TYPES = {
    "database": ("database",),
    "media": ("media",),
    "config": ("config",),
    "incremental": ("database", "media"),
    "all": ("database", "media", "config"),
}


@dataclass(frozen=True)
class Order:
    """
    What to back up: a key of :data:`TYPES`, and which of the site's databases.

    With a ``tenant`` it is the rows of that tenant, and nothing else.
    """

    type: str
    alias: str
    tenant: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Return what goes in."""
        return ("rows",) if self.tenant else TYPES[self.type]


def make_backup(
    directory: BackupDirectory,
    order: Order,
    *,
    key: Key | None,
    now: datetime,
    check: Callable[[], None] = lambda: None,
) -> Manifest:
    """
    Make a backup and return its manifest; after any failure nothing of it is left.

    The caller is at work in the directory, see :meth:`BackupDirectory.at_work`. Without a key
    everybody can read it who gets hold of it. ``check`` is called now and then; it raises to stop.

    Raises:
        BackupError: says what went wrong.
        DatabaseError: the database is away.
    """
    earlier = [one.manifest for one in entries(directory) if one.manifest]
    _require_room(directory, order, earlier)
    found = backup_id(now, secrets.token_hex(4), order.tenant)
    place = directory.path / found
    with naming_full_disk(place):
        place.mkdir(mode=0o700)
    try:
        manifest = _Making(directory, place, order, key, now, check, earlier).manifest()
        check()
        write_manifest(place, manifest, key)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return manifest


@dataclass(frozen=True)
class _Making:
    directory: BackupDirectory
    place: Path
    order: Order
    key: Key | None
    now: datetime
    check: Callable[[], None]
    earlier: list[Manifest]

    def manifest(self) -> Manifest:
        parts, compress = self.order.parts, get_conf().backup.compression
        parent = next((one for one in reversed(self.earlier) if one.media), None)
        if self.order.type == "media" and media_source() is None:
            raise BackupError("The site has no media files: MEDIA_ROOT is empty, or no directory.")
        database = self._database(compress=compress) if "database" in parts else None
        media = config = None
        if "media" in parts:
            media = back_up_media(
                self.directory,
                self.place,
                key=self.key,
                compress=compress,
                parent=parent,
                check=self.check,
            )
        if "config" in parts:
            config = self._config(compress=compress)
        rows = self._rows(compress=compress) if "rows" in parts else None
        recipients = get_conf().backup.recipients
        return Manifest(
            id=self.place.name,
            created_at=self.now,
            type="tenant" if rows else self.order.type,
            tenant=self.order.tenant,
            parent=parent.id if parent and media else "",
            site=site(),
            compression="zstd" if compress else "none",
            encryption="aes-256-gcm" if self.key else "none",
            key_id=self.key.id if self.key else "",
            key=seal_key(self.place, self.key, recipients) if self.key and recipients else None,
            notes=self._notes(parent) if "media" in parts and media is None else [],
            database=database,
            media=media,
            config=config,
            rows=rows,
        )

    def _database(self, *, compress: bool) -> DatabasePart:
        alias = self.order.alias
        path = self.place / dump_name(alias)
        with StoredWriter(path, key=self.key, compress=compress) as writer:
            facts = dump_database(alias, writer.write, self.place, self.check)
        return DatabasePart(**facts.model_dump(), file=writer.stored)

    def _rows(self, *, compress: bool) -> TenantPart:
        with StoredWriter(self.place / ROWS, key=self.key, compress=compress) as writer:
            facts = dump_rows(self.order.tenant, self.order.alias, writer.write)
        return TenantPart(**facts.model_dump(), file=writer.stored)

    def _config(self, *, compress: bool) -> StoredFile:
        with StoredWriter(self.place / CONFIG, key=self.key, compress=compress) as writer:
            write_config(writer.write)
        return writer.stored

    def _notes(self, parent: Manifest | None) -> list[str]:
        if parent is None or parent.media is None:
            return []
        return missing_media(parent.id, parent.media.files)


def _require_room(directory: BackupDirectory, order: Order, earlier: list[Manifest]) -> None:
    """Fail early where there is no room for what is known to come."""
    scratch = dumper_of(order.alias).scratch_bytes(order.alias) if "database" in order.parts else 0
    last = next((one for one in reversed(earlier) if _is_like(one, order)), None)
    # As large as the last time, without the media files that were new then.
    needed = scratch + (sum(one.stored_bytes for one in last.files) if last else 0)
    free = shutil.disk_usage(directory.path).free
    if free < needed:
        raise BackupError(
            f"No room in {directory.path}: {free // 2**20} MiB are free, and the backup needs "
            f"about {needed // 2**20} MiB. Make room (backup_data --prune), or choose another "
            "directory with --output."
        )


def _is_like(manifest: Manifest, order: Order) -> bool:
    return (manifest.type, manifest.tenant) == (
        "tenant" if order.tenant else order.type,
        order.tenant,
    )
