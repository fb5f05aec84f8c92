"""
Copies of the backups in another place: what is left when the machine is gone.

A copy has the names that the directory has: ``<id>/…`` with its manifest last, so that there is no
half of one, and ``objects/ab/…`` once for all. What the directory has and the storage has not is
sent by the next backup, whatever kept it from going before. Coming back, each file is compared
with the manifest's hash, and the manifest comes last again.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.engine.backup_names import is_backup_id
from django_system_ops.engine.retention import Kept, expired
from django_system_ops.exceptions import (
    BackupError,
    DamagedError,
    SealError,
    SystemOpsError,
    WrongUsageError,
)
from django_system_ops.sealing import (
    Key,
    create_private,
    hash_of_stored,
    make_private_directory,
    naming_full_disk,
    sync_directory,
    write_whole,
)
from django_system_ops.services.backups.catalogue import (
    VERIFIED,
    Entry,
    entries,
    newest,
    note_verified,
    words_of,
)
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import (
    MANIFEST,
    MOST_MANIFEST_BYTES,
    Manifest,
    MediaPart,
    parse_manifest,
)
from django_system_ops.services.backups.objects import object_path, objects_of
from django_system_ops.services.backups.remote import Remote

__all__ = ["Copies", "Sent"]

_OBJECTS = "objects"
_MOST_SMALL_BYTES = 2**20


@dataclass(frozen=True)
class Sent:
    """
    What went out.

    Attributes:
        ids: backups that are in the storage now and were not before.
        bytes: of all files that were sent.
        problems: backups that proved damaged when they were to be sent.
    """

    ids: Sequence[str]
    bytes: int
    problems: Sequence[str] = ()


class Copies:
    """The backups in the storage that the settings name."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    @classmethod
    def configured(cls) -> "Copies | None":
        """Return the site's; None where it keeps none."""
        alias = get_conf().backup.storage
        return cls(Remote(alias)) if alias else None

    @property
    def alias(self) -> str:
        """Return which of ``STORAGES`` it is."""
        return self._remote.alias

    def ids(self) -> list[str]:
        """Return the ids of the whole copies, oldest first."""
        found = [one for one in self._remote.folders() if is_backup_id(one)]
        return [one for one in found if MANIFEST in self._remote.names(one)]

    def catch_up(self, directory: BackupDirectory, check: Callable[[], None]) -> Sent:
        """
        Send each whole backup that is not there yet, oldest first.

        One that proves damaged is noted as that and stays; ``check`` is called between files, and
        raises to stop.

        Raises:
            BackupError: the storage failed; what was sent until then stays.
        """
        local = [one for one in entries(directory) if one.manifest and not one.is_bad]
        there = {one.id for one in local if self._has(one)}
        sending = _Sending(self._remote, directory, check)
        ids, problems = [], []
        for entry in local:
            try:
                if entry.id in there:
                    sending.vouch(entry)
                else:
                    sending.send(entry)
                    ids.append(entry.id)
                sending.send_looks(entry)
            except (SealError, FileNotFoundError) as error:
                note_verified(entry.place, "hash", ok=False, now=timezone.now())
                problems.append(f"{entry.id} is damaged, and has no copy: {error}")
        return Sent(ids, sending.bytes, problems)

    def _has(self, entry: Entry) -> bool:
        # Some storages keep half of a file whose upload was cut off.
        size = (entry.place / MANIFEST).stat().st_size
        return self._remote.size(f"{entry.id}/{MANIFEST}") == size

    def manifest(
        self, wanted: str, key: Key | None, *, part: str = "", alias: str = ""
    ) -> Manifest:
        """
        Return the manifest of a copy: of an id, or of "latest", as of backups in the directory.

        Raises:
            WrongUsageError: there is no such copy.
            BackupError: it cannot be trusted.
        """
        ids = self.ids()
        if wanted != "latest":
            if wanted not in ids:
                raise WrongUsageError(
                    f"There is no backup {wanted!r} in the storage {self.alias!r}: "
                    "backup_data --list shows those that are."
                )
            return self._manifest(wanted, key)
        if (manifest := newest(self._newest_first(ids, key), part, alias)) is not None:
            return manifest
        what = words_of(part, alias)
        raise WrongUsageError(f"There is no whole backup{what} in the storage {self.alias!r}.")

    def fetch(
        self,
        manifest: Manifest,
        directory: BackupDirectory,
        check: Callable[[], None],
        *,
        with_media: bool = True,
    ) -> None:
        """
        Bring a backup back into the directory: what is missing there, or not as it was written.

        Without ``with_media`` the contents of media files stay where they are.

        Raises:
            BackupError: it is not what was sent, or there is no room; then nothing of it is there.
        """
        place = directory.path / manifest.id
        was_there = (place / MANIFEST).exists()
        if not was_there:
            # What a run has left that was killed on the way.
            shutil.rmtree(place, ignore_errors=True)
            with naming_full_disk(place):
                make_private_directory(place)
        try:
            for file in manifest.files:
                check()
                name = f"{manifest.id}/{file.name}"
                self._bring(name, place / file.name, file.stored_bytes, file.stored_sha256)
            if with_media:
                self._fetch_objects(manifest, directory, check)
            if not was_there:
                for name in (VERIFIED, MANIFEST):
                    if self._remote.size(f"{manifest.id}/{name}") is not None:
                        data = self._remote.read(f"{manifest.id}/{name}", MOST_MANIFEST_BYTES)
                        write_whole(place / name, data)
        except BaseException:
            if not was_there:
                shutil.rmtree(place, ignore_errors=True)
            raise

    def tidy(
        self,
        directory: BackupDirectory,
        *,
        now: datetime,
        newest_kept: int | None = None,
        dry_run: bool = False,
    ) -> list[str]:
        """Remove copies that are too old, by the rules of the directory; return their ids."""
        known = {}
        local = {one.id: one for one in entries(directory)}
        are_all_known = True
        for one in self.ids():
            try:
                known[one] = self._manifest(one, None)
            except SystemOpsError:
                are_all_known = False
        looks = {one.id: local.get(one.id) or self._looked_at(one) for one in known.values()}
        kept = [
            Kept(
                one.id,
                one.created_at,
                one.parts,
                looks[one.id].is_verified,
                is_bad=looks[one.id].is_bad,
            )
            for one in known.values()
        ]
        going = expired(kept, now=now, days=get_conf().backup.retention_days, newest=newest_kept)
        if not dry_run and going:
            for one in going:
                self._remove(one)
            # A copy that cannot say what it needs may need any of them.
            if are_all_known:
                self._sweep(known.keys() - set(going))
        return list(going)

    def _manifest(self, backup: str, key: Key | None) -> Manifest:
        data = self._remote.read(f"{backup}/{MANIFEST}", MOST_MANIFEST_BYTES)
        return parse_manifest(data, PurePosixPath(self.alias, backup, MANIFEST), key)

    def _newest_first(self, ids: Sequence[str], key: Key | None) -> Iterator[Manifest]:
        """
        Yield the manifests; an id tells seconds, and two may be of one.

        Raises:
            BackupError: one cannot be trusted, and none is taken for a newer one than it is.
        """
        for _, group in groupby(reversed(ids), key=lambda one: one.partition("-")[0]):
            found = [self._newest_manifest(one, key) for one in group]
            yield from sorted(found, key=lambda one: one.created_at, reverse=True)

    def _newest_manifest(self, backup: str, key: Key | None) -> Manifest:
        try:
            return self._manifest(backup, key)
        except SystemOpsError as error:
            raise BackupError(
                f"The newest copy cannot be trusted: {error} backup_data --list shows the others: "
                "name one, if that will do."
            ) from error

    def _looked_at(self, manifest: Manifest) -> Entry:
        """Return what is known of looks at a backup that the directory has not."""
        name, looks = f"{manifest.id}/{VERIFIED}", {}
        if self._remote.size(name) is not None:
            with suppress(ValueError):
                looks = json.loads(self._remote.read(name, _MOST_SMALL_BYTES))
        return Entry(manifest.id, Path(), manifest, verified=looks)

    def _fetch_objects(
        self, manifest: Manifest, directory: BackupDirectory, check: Callable[[], None]
    ) -> None:
        if manifest.media is None:
            return
        if not directory.objects.exists():
            make_private_directory(directory.objects)
        for name, size, digest in objects_of(directory.path / manifest.id, manifest.media):
            check()
            path = object_path(directory, name)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._bring(_object_name(name, digest), path, size, digest)

    def _bring(self, name: str, path: Path, size: int, digest: str) -> None:
        with suppress(BackupError):
            if hash_of_stored(path) == (size, digest):
                return
        part, found, count = path.with_name(f"{path.name}.part"), sha256(), 0
        part.unlink(missing_ok=True)
        with naming_full_disk(path):
            try:
                with os.fdopen(create_private(part), "wb") as file:
                    for data in self._remote.chunks(name):
                        found.update(data)
                        count += len(data)
                        file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                if (count, found.hexdigest()) != (size, digest):
                    raise DamagedError(f"{self._remote.words(name)} is not what was sent.")
                part.rename(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        sync_directory(path.parent)

    def _remove(self, backup: str) -> None:
        names = self._remote.names(backup)
        # The manifest first: half of a copy is never taken for a whole one.
        for name in sorted(names, key=lambda one: one != MANIFEST):
            self._remote.delete(f"{backup}/{name}")

    def _sweep(self, staying: set[str]) -> None:
        """Remove the objects that no copy needs; none, where one cannot say what it needs."""
        needed: set[str] = set()
        for one in staying:
            if (media := self._manifest(one, None).media) is not None:
                needed.update(self._needed(one, media))
        for folder in self._remote.folders(_OBJECTS):
            for name in self._remote.names(f"{_OBJECTS}/{folder}"):
                if (path := f"{_OBJECTS}/{folder}/{name}") not in needed:
                    self._remote.delete(path)

    def _needed(self, backup: str, media: MediaPart) -> set[str]:
        """Return the objects that a copy needs, by its own list."""
        file = media.objects
        with TemporaryDirectory() as folder:
            path = Path(folder) / file.name
            name = f"{backup}/{file.name}"
            self._bring(name, path, file.stored_bytes, file.stored_sha256)
            found = objects_of(Path(folder), media)
            return {_object_name(name, digest) for name, _, digest in found}


class _Sending:
    """Files on their way out; an object goes once."""

    def __init__(
        self, remote: Remote, directory: BackupDirectory, check: Callable[[], None]
    ) -> None:
        self._remote, self._directory, self._check = remote, directory, check
        self._there: set[str] = set()
        self.bytes = 0

    def vouch(self, entry: Entry) -> None:
        """Note what is there because a whole copy needs it."""
        self._there.update(_object_name(name, digest) for name, _, digest in _objects(entry))

    def send(self, entry: Entry) -> None:
        """
        Send a backup, its manifest last.

        Raises:
            DamagedError: a file of it is not what was written.
        """
        assert entry.manifest is not None
        for file in entry.manifest.files:
            path = entry.place / file.name
            self._send(f"{entry.id}/{file.name}", path, file.stored_bytes, file.stored_sha256)
        for name, size, digest in _objects(entry):
            if (remote := _object_name(name, digest)) not in self._there:
                self._send(remote, object_path(self._directory, name), size, digest)
                self._there.add(remote)
        self._check()
        self._remote.put_bytes(f"{entry.id}/{MANIFEST}", (entry.place / MANIFEST).read_bytes())

    def send_looks(self, entry: Entry) -> None:
        """Send what came of the last looks at a backup, if that is not there yet."""
        name, path = f"{entry.id}/{VERIFIED}", entry.place / VERIFIED
        if not path.exists():
            return
        data = path.read_bytes()
        if self._remote.size(name) is None or self._remote.read(name, _MOST_SMALL_BYTES) != data:
            self._remote.put_bytes(name, data)

    def _send(self, name: str, path: Path, size: int, digest: str) -> None:
        self._check()
        if self._remote.size(name) == size:
            return  # the run before came this far
        if not path.is_file() or hash_of_stored(path) != (size, digest):
            raise DamagedError(f"{path} is missing, or not what was written.")
        self._remote.put(name, path)
        self.bytes += size


def _objects(entry: Entry) -> Iterator[tuple[str, int, str]]:
    if entry.manifest is None or entry.manifest.media is None:
        return
    try:
        yield from objects_of(entry.place, entry.manifest.media)
    except (BackupError, OSError, ValueError) as error:
        # This one's own trouble, and none of the storage.
        raise DamagedError(f"its list of contents cannot be read: {error}") from error


def _object_name(name: str, digest: str) -> str:
    # The same content sealed twice is not the same: a copy needs the bytes that its list tells.
    return f"{_OBJECTS}/{name[:2]}/{name}.{digest[:16]}"
