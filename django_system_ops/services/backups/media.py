"""The media files of a site, on their way into a backup."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from django_system_ops.exceptions import BackupError, SystemOpsError
from django_system_ops.sealing import Key, StoredWriter
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import Manifest, MediaPart
from django_system_ops.services.backups.media_sources import (
    DirectorySource,
    Looks,
    Report,
    Source,
    UnreadableError,
    media_source,
)
from django_system_ops.services.backups.objects import MediaFile, ObjectStore, index_of

__all__ = ["back_up_media"]


def back_up_media(
    directory: BackupDirectory,
    place: Path,
    *,
    key: Key | None,
    compress: bool,
    parent: Manifest | None,
    check: Callable[[], None],
) -> MediaPart | None:
    """
    Store what is new of the media files and list them all; None where the site has no place of any.

    Files of ``parent`` are not read again where size and time are the same. ``check`` is called
    between files; it raises to stop.

    Raises:
        BackupError: there is no room, or the storage of the files is away.
    """
    source = media_source()
    if source is None:
        return None
    _require_elsewhere(source, directory)
    store = ObjectStore(directory, key=key, compress=compress)
    walk = _Walk(source, store, _known_files(directory, parent, key))
    files = total = 0
    with StoredWriter(place / "media.index", key=key, compress=compress) as index:
        for file in walk.files():
            check()
            index.write(json.dumps(vars(file)).encode() + b"\n")
            files, total = files + 1, total + file.size
    with StoredWriter(place / "media.objects", key=None, compress=compress) as objects:
        for line in store.lines():
            objects.write(line)
    # All objects at once, and before the manifest says that they are there.
    os.sync()
    return MediaPart(
        files=files,
        bytes=total,
        new_objects=store.new_objects,
        new_bytes=store.new_bytes,
        skipped=walk.report.skipped,
        problems=walk.report.problems,
        index=index.stored,
        objects=objects.stored,
    )


class _Walk:
    """A walk through the media files that stores those that are new."""

    def __init__(self, source: Source, store: ObjectStore, known: Mapping[str, MediaFile]) -> None:
        self._source, self._store, self._known = source, store, known
        self.report = Report()

    def files(self) -> Iterator[MediaFile]:
        """Yield all files, in the order of their paths."""
        for path, looks in self._source.paths(self.report):
            if (found := self._file(path, looks)) is not None:
                yield found

    def _file(self, path: str, looks: Looks) -> MediaFile | None:
        known = self._known.get(path)
        if known is not None and known.looks == (looks.size, looks.mtime_ns):
            # The object of another key or kind would have another name.
            name = self._store.name_of(known.sha256)
            if self._store.has(name):
                return replace(known, object=name)
        try:
            return self._read(path)
        except FileNotFoundError:
            self.report.skip(path, "it was removed meanwhile")
        except UnreadableError as error:
            self.report.trouble(path, str(error))
        return None

    def _read(self, path: str) -> MediaFile:
        file, is_same = self._read_once(path)
        if not is_same:
            file, is_same = self._read_once(path)
        if not is_same:
            self.report.trouble(path, "it was written to twice while it was read")
        return file

    def _read_once(self, path: str) -> tuple[MediaFile, bool]:
        with self._source.opened(path) as file:
            before = file.looks()
            size, digest, name = self._store.put(file.chunks())
            after = file.looks()
        is_same = (before.mtime_ns, before.size) == (after.mtime_ns, size)
        # What was written to meanwhile must be read again next time, whatever its time says.
        mtime_ns = before.mtime_ns if is_same else 0
        return MediaFile(path, size, mtime_ns, digest, name), is_same


def _require_elsewhere(source: Source, directory: BackupDirectory) -> None:
    if not isinstance(source, DirectorySource):
        return
    path = directory.path.resolve()
    if source.root.resolve() in (path, *path.parents):
        raise BackupError(
            f"The backups in {directory.path} are below MEDIA_ROOT, which the web server hands "
            "out. Set MANAGEMENT_COMMANDS['backup']['directory'] to a place outside of it."
        )


def _known_files(
    directory: BackupDirectory, parent: Manifest | None, key: Key | None
) -> dict[str, MediaFile]:
    """Return the files of an earlier backup; none if they cannot be read, and then all are read."""
    if parent is None or parent.media is None:
        return {}
    with suppress(SystemOpsError, OSError):
        return {one.path: one for one in index_of(directory.path / parent.id, parent.media, key)}
    return {}
