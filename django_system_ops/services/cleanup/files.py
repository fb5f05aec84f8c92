"""The files of removed rows."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.db import models

from django_opskit.batches import batches
from django_system_ops.services.cleanup.gathering import Closure, Scope
from django_system_ops.services.cleanup.ledger import NoLedger
from django_system_ops.services.cleanup.tally import Tally

__all__ = ["Files", "files_of"]

_AT_ONCE = 500


@dataclass
class Files:
    """Names in storages, by the field that held them."""

    using: str
    names: "dict[models.FileField, set[str]]" = field(default_factory=lambda: defaultdict(set))

    def remove(self, tally: Tally, *, dry_run: bool = False, gone: NoLedger | None = None) -> None:
        """
        Remove those to which no row refers any more; count them.

        Call it when the rows are gone for good. A file that cannot be removed is counted and
        named, and the next one comes. In a dry run ``gone`` knows the rows that would be gone.
        """
        for pointer, names in self.names.items():
            for some in batches(sorted(names), _AT_ONCE):
                for name in sorted(set(some) - self._still_used(pointer, some, gone)):
                    self._remove(pointer, name, tally, dry_run=dry_run)

    def _still_used(
        self, pointer: "models.FileField", names: Sequence[str], gone: NoLedger | None
    ) -> set[str]:
        rows = pointer.model._base_manager.using(self.using).order_by()
        found = rows.filter(**{f"{pointer.name}__in": names}).values_list("pk", pointer.name)
        if gone is None:
            return {str(name) for _, name in found}
        users = {key: str(name) for key, name in found}
        return {users[key] for key in gone.fresh(pointer.model._meta.label, users)}

    @staticmethod
    def _remove(pointer: "models.FileField", name: str, tally: Tally, *, dry_run: bool) -> None:
        size = 0
        # A storage elsewhere has no path, and asking it for sizes would take as long as removing.
        with suppress(NotImplementedError, OSError, ValueError):
            size = Path(pointer.storage.path(name)).stat().st_size
        if not dry_run:
            try:
                pointer.storage.delete(name)
            except Exception as error:  # noqa: BLE001  # a storage may raise what it likes
                tally.fail(name, error)
                return
        tally.files += 1
        tally.bytes += size


def files_of(scope: Scope, closure: Closure) -> Files:
    """Return the files of the rows that go."""
    found = Files(scope.using)
    for node in scope.cascade.nodes.values():
        for pointer in node.files:
            place = node.place(pointer.attname)
            rows = closure.rows.get(node.model, {}).values()
            if names := {str(row[place]) for row in rows if row[place]}:
                found.names[pointer] |= names
    return found
