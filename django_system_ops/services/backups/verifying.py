"""Finding out whether a backup is what was written, without its key."""

from collections.abc import Iterator
from contextlib import suppress

from django_system_ops.exceptions import SystemOpsError
from django_system_ops.sealing import hash_of_stored
from django_system_ops.services.backups.catalogue import entries
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import Manifest
from django_system_ops.services.backups.objects import object_path, objects_of

__all__ = ["hash_problems"]


def hash_problems(
    directory: BackupDirectory, manifest: Manifest, *, with_objects: bool = True
) -> list[str]:
    """
    Return what is not on the disk as it was written; empty for a whole backup.

    Without ``with_objects`` the contents of media files are not looked at.
    """
    place = directory.place(manifest.id)
    problems = []
    for file in manifest.files:
        path = place / file.name
        try:
            if hash_of_stored(path) != (file.stored_bytes, file.stored_sha256):
                problems.append(f"{path} is not what was written: its hash is another.")
        except SystemOpsError as error:
            problems.append(str(error))
    return [*problems, *(_object_problems(directory, manifest) if with_objects else ())]


def _object_problems(directory: BackupDirectory, manifest: Manifest) -> Iterator[str]:
    if manifest.media is None:
        return
    others: set[tuple[str, int, str]] | None = None
    try:
        for name, size, digest in objects_of(directory.place(manifest.id), manifest.media):
            path = object_path(directory, name)
            try:
                found = hash_of_stored(path)
            except SystemOpsError as error:
                yield str(error)
                continue
            if found == (size, digest):
                continue
            # One that had rotted may have been stored anew, and is another then.
            others = _listed_elsewhere(directory) if others is None else others
            if (name, *found) not in others:
                # Out of the way, so that the next backup reads the media file again.
                path.rename(path.with_name(f"{path.name}.damaged"))
                yield f"{path} is not what was written: its hash is another."
    except (SystemOpsError, ValueError) as error:
        yield str(error)


def _listed_elsewhere(directory: BackupDirectory) -> set[tuple[str, int, str]]:
    """Return name, size and hash of all objects that any backup lists."""
    found: set[tuple[str, int, str]] = set()
    for entry in entries(directory):
        if entry.manifest and entry.manifest.media:
            with suppress(SystemOpsError, OSError, ValueError):
                found.update(objects_of(entry.place, entry.manifest.media))
    return found
