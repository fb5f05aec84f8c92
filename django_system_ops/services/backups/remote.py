"""One of Django's storages, as backups need it: whole files, one sentence for each failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, storages

from django_system_ops.exceptions import BackupError, SystemOpsError
from django_system_ops.sealing import CHUNK_BYTES
from django_system_ops.services.texts import one_line

if TYPE_CHECKING:
    from django.core.files.storage import Storage

__all__ = ["Remote"]


class Remote:
    """
    A storage of the site's ``STORAGES``.

    Raises:
        BackupError: whatever the storage raises, with its alias and the name of the file.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias
        try:
            self._storage: Storage = storages[alias]
        except InvalidStorageError as error:
            raise BackupError(
                f"MANAGEMENT_COMMANDS['backup']['storage'] is {alias!r}: STORAGES cannot make it: "
                f"{one_line(error)}"
            ) from error

    def folders(self, folder: str = "") -> list[str]:
        """Return the names of the folders in a folder, sorted; none if it is not there."""
        return sorted(self._listed(folder)[0])

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder, sorted; none if it is not there."""
        return sorted(self._listed(folder)[1])

    def size(self, name: str) -> int | None:
        """Return how many bytes a file has; None if it is not there."""
        with self._speaking(name):
            return self._storage.size(name) if self._storage.exists(name) else None

    def put(self, name: str, path: Path) -> None:
        """Store a file under a name, in place of what is there, and see that its size is right."""
        with path.open("rb") as file:
            self._put(name, File(file, name=path.name), path.stat().st_size)

    def put_bytes(self, name: str, data: bytes) -> None:
        """Store a small file."""
        self._put(name, ContentFile(data, name=Path(name).name), len(data))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield what a file holds."""
        with self._speaking(name), self._storage.open(name, "rb") as file:
            while data := file.read(CHUNK_BYTES):
                yield data

    def read(self, name: str, most_bytes: int) -> bytes:
        """Return what a small file holds."""
        found = b""
        for data in self.chunks(name):
            found += data
            if len(found) > most_bytes:
                raise BackupError(f"{self.words(name)} is larger than any backup writes it.")
        return found

    def delete(self, name: str) -> None:
        """Remove a file; none is no failure."""
        with self._speaking(name):
            self._storage.delete(name)

    def words(self, name: str) -> str:
        """Return how a file is called in a sentence."""
        return f"{name} in the storage {self.alias!r}"

    def _listed(self, folder: str) -> tuple[list[str], list[str]]:
        with self._speaking(folder):
            try:
                folders, names = self._storage.listdir(folder)
            except FileNotFoundError:
                return [], []
            # A bucket lists a folder itself as a file without a name.
            return [one for one in folders if one], [one for one in names if one]

    def _put(self, name: str, content: "File[bytes]", size: int) -> None:
        with self._speaking(name):
            if self._storage.exists(name):
                self._storage.delete(name)
            stored = self._storage.save(name, content)
            if stored != name:
                self._storage.delete(stored)
                raise BackupError(
                    f"The storage {self.alias!r} would call {name} something else ({stored}), and "
                    "a backup is found by its name."
                )
            if (found := self._storage.size(name)) != size:
                raise BackupError(f"{self.words(name)} has {found} of {size} bytes.")

    @contextmanager
    def _speaking(self, name: str) -> Iterator[None]:
        try:
            yield
        except SystemOpsError:
            raise
        except Exception as error:  # each storage has errors of its own
            where = self.words(name) if name else f"the storage {self.alias!r}"
            text = one_line(error).rstrip(".") or type(error).__name__
            raise BackupError(f"Cannot reach {where}: {text}.") from error
