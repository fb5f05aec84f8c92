"""Making a backup in a repository: as plain as it comes, so that restic finds what is the same."""

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django_system_ops.engine.backup_names import backup_id
from django_system_ops.exceptions import BackupError
from django_system_ops.sealing import naming_full_disk
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.making import Order
from django_system_ops.services.backups.manifests import MANIFEST
from django_system_ops.services.backups.media_sources import DirectorySource, Report, media_source
from django_system_ops.services.backups.parts import (
    CONFIG,
    ROWS,
    Sink,
    dump_database,
    dump_name,
    dump_rows,
    missing_media,
    site,
    write_config,
)
from django_system_ops.services.backups.restic.deposits import (
    Deposit,
    Deposits,
    Listing,
    Stream,
    labels,
)

__all__ = ["make_deposit"]


def make_deposit(
    deposits: Deposits,
    directory: BackupDirectory,
    order: Order,
    *,
    now: datetime,
    check: Callable[[], None] = lambda: None,
) -> Deposit:
    """
    Make a backup and return its manifest; after any failure there is none.

    The caller is at work in ``directory``, where what a dump needs beside it has its place.

    Raises:
        BackupError: says what went wrong.
        DatabaseError: the database is away.
    """
    found = backup_id(now, secrets.token_hex(4), order.tenant)
    workspace = directory.path / found
    with naming_full_disk(workspace):
        workspace.mkdir(mode=0o700)
    try:
        deposit = _Making(deposits, found, workspace, order, now, check).deposit()
        check()
        with deposits.repository.receiving(MANIFEST, found, *labels(deposit)) as sink:
            sink(deposit.model_dump_json(indent=1).encode())
        return deposit
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


@dataclass(frozen=True)
class _Making:
    deposits: Deposits
    id: str
    workspace: Path
    order: Order
    now: datetime
    check: Callable[[], None]
    streams: dict[str, Stream] = field(default_factory=dict)

    def deposit(self) -> Deposit:
        parts, alias = self.order.parts, self.order.alias
        # What cannot be is found out before anything is stored.
        root = self._media_root() if "media" in parts else None
        database = rows = media = None
        notes: list[str] = []
        if "database" in parts:
            with self._stream("database", dump_name(alias)) as sink:
                database = dump_database(alias, sink, self.workspace, self.check)
        if "media" in parts:
            media = self._media(root) if root else None
            notes = [] if media else self._missing()
        if "config" in parts:
            with self._stream("config", CONFIG) as sink:
                write_config(sink)
        if "rows" in parts:
            with self._stream("rows", ROWS) as sink:
                rows = dump_rows(self.order.tenant, alias, sink)
        return Deposit(
            id=self.id,
            created_at=self.now,
            type="tenant" if rows else self.order.type,
            tenant=self.order.tenant,
            site=site(),
            notes=notes,
            streams=self.streams,
            database=database,
            media=media,
            rows=rows,
        )

    @contextmanager
    def _stream(self, part: str, name: str) -> Iterator[Sink]:
        """Yield what takes the content of a part."""
        digest, count = hashlib.sha256(), 0
        with self.deposits.repository.receiving(name, self.id) as sink:

            def take(data: bytes | memoryview) -> None:
                nonlocal count
                digest.update(data)
                count += len(data)
                sink(data)

            yield take
        self.streams[part] = Stream(name=name, bytes=count, sha256=digest.hexdigest())

    def _media_root(self) -> Path | None:
        source = media_source()
        if source is None and self.order.type == "media":
            raise BackupError("The site has no media files: MEDIA_ROOT is empty, or no directory.")
        if source is not None and not isinstance(source, DirectorySource):
            raise BackupError(
                "restic takes media files from a directory, and this site's are in a storage of "
                "another kind. Back up the rest with --type=database, and them with "
                "--type=media --output DIR."
            )
        return source.root.absolute() if source is not None else None

    def _media(self, root: Path) -> Listing:
        kept = self.deposits.repository.keep_directory(root, self.id, check=self.check)
        report = Report()
        for _ in DirectorySource(root).paths(report):
            self.check()
        return Listing(
            root=str(root),
            files=kept.files,
            bytes=kept.bytes,
            new_files=kept.new_files,
            new_bytes=kept.new_bytes,
            skipped=report.skipped,
            problems=list(kept.problems),
        )

    def _missing(self) -> list[str]:
        earlier = [one for one in self.deposits.entries() if "media" in one.parts]
        if not earlier:
            return []
        media = self.deposits.deposit(earlier[-1]).media
        return missing_media(earlier[-1].id, media.files if media else 0)
