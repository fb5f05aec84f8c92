"""Files of copied rows: each copy has its own, and has it before its row."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File
from django.db import models

from django_system_ops.engine.row_values import copied_file_name
from django_system_ops.exceptions import TenantMoveError
from django_system_ops.models import TenantMoveRow
from django_system_ops.services.tenant_moves.graphs import Node

__all__ = ["FileCopier", "hash_of"]


@dataclass
class FileCopier:
    """
    Copies the files of rows into their storages.

    The name of a copy follows from the move, the row and the name before: what a killed run has
    left is found again, used when it is whole and written anew when it is not. A file that a row
    names is never written: that row would have lost its own.

    Attributes:
        token: of the move; none has that of another.
    """

    token: str
    using: str
    dry_run: bool = False

    def copy_of(
        self,
        node: Node,
        entry: TenantMoveRow,
        pointer: "models.FileField",
        values: dict[str, Any],
    ) -> None:
        """Copy the file that a row has by this field, and note its name in both."""
        note = self._copy(node, entry.old_pk, pointer, str(values[pointer.attname]))
        entry.values[pointer.attname] = note
        values[pointer.attname] = note["to"]

    def is_outdated(
        self, node: Node, entry: TenantMoveRow, pointer: "models.FileField", name: str
    ) -> bool:
        """Return whether the row's file is another one now, or has other contents."""
        note = entry.values.get(pointer.attname)
        if note is None or note["from"] != name:
            return True
        # A dry run has copied none; and of a file that is gone the copy is what is left.
        if not note["sha256"] or not pointer.storage.exists(name):
            return False
        return self._hash(node.label, entry.old_pk, pointer, name) != str(note["sha256"])

    def remove(self, node: Node, pointer: "models.FileField", name: str) -> None:
        """Remove a copy that was replaced, unless a row names it; call it after the commit."""
        rows = node.model._base_manager.using(self.using).order_by()
        if not rows.filter(**{pointer.attname: name}).exists():
            with suppress(FileNotFoundError):
                pointer.storage.delete(name)

    def _copy(self, node: Node, key: str, pointer: "models.FileField", name: str) -> dict[str, Any]:
        """
        Copy one, and return what the journal keeps of it.

        Raises:
            TenantMoveError: the file is not there, or its copy is not what it is.
        """
        wanted = self._free_name(node, key, pointer, name)
        storage: Any = pointer.storage
        if self.dry_run:
            return {"from": name, "to": wanted, "sha256": ""}
        digest = self._hash(node.label, key, pointer, name)
        saved = wanted
        if not storage.exists(wanted) or hash_of(storage, wanted) != digest:
            with suppress(FileNotFoundError):
                storage.delete(wanted)
            saved = self._save(storage, name, wanted, pointer)
            if hash_of(storage, saved) != digest:
                storage.delete(saved)
                raise TenantMoveError(
                    f"{node.label} {key}: the copy of its file {name} is not the same as the file; "
                    "is somebody writing it? Run it again."
                )
        return {"from": name, "to": saved, "sha256": digest}

    def _free_name(self, node: Node, key: str, pointer: "models.FileField", name: str) -> str:
        rows = node.model._base_manager.using(self.using).order_by()
        number = 0
        while True:
            identity = f"{self.token}\0{node.label}\0{key}\0{pointer.attname}\0{number}"
            wanted = copied_file_name(name, identity, pointer.max_length)
            # Most are not there: only of those that are, the table is asked, which has no index.
            is_there = pointer.storage.exists(wanted)
            if not is_there or not rows.filter(**{pointer.attname: wanted}).exists():
                return wanted
            number += 1

    @staticmethod
    def _save(storage: Any, name: str, wanted: str, pointer: "models.FileField") -> str:
        try:
            with storage.open(name, "rb") as source:
                saved: str = storage.save(wanted, File(source), max_length=pointer.max_length)
        except BaseException:
            # Half a file takes room that may be what is missing.
            with suppress(Exception):
                storage.delete(wanted)
            raise
        return saved

    @staticmethod
    def _hash(label: str, key: str, pointer: "models.FileField", name: str) -> str:
        try:
            return hash_of(pointer.storage, name)
        except FileNotFoundError as error:
            raise TenantMoveError(
                f"{label} {key}: its file {name} is not there, and a copy of the row would point "
                "at nothing. Empty the field, or bring the file back; then run it again."
            ) from error


def hash_of(storage: Any, name: str) -> str:
    """Return the SHA-256 of a stored file; memory is flat."""
    digest = hashlib.sha256()
    with storage.open(name, "rb") as file:
        for chunk in file.chunks():
            digest.update(chunk)
    return digest.hexdigest()
