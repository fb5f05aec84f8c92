"""Files that were saved for rows that go: they go as well, but for those that somebody names."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.files.storage import FileSystemStorage
from django.db import Error as DatabaseError
from django.db import models, router

from django_opskit.batches import batches
from django_system_ops.services.texts import one_line

__all__ = ["Files", "file_fields"]

_AT_ONCE = 500


def file_fields(model: type[models.Model]) -> "list[models.FileField]":
    """Return the columns of a model that name files."""
    return [one for one in model._meta.concrete_fields if isinstance(one, models.FileField)]


class Files:
    """Names of files, gathered while rows go; :meth:`remove` is for when they are gone for good."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._names: dict[models.FileField, set[str]] = defaultdict(set)

    def add(self, pointer: "models.FileField", name: str) -> None:
        """Take in a file that was saved for a column of a row."""
        if name:
            self._names[pointer].add(name)

    def remove(self, failures: list[str]) -> None:
        """
        Remove those that no column of any model names, be it as its default.

        What cannot be removed is told to ``failures``, and the next one comes.
        """
        for pointer, names in self._names.items():
            for some in batches(sorted(names), _AT_ONCE):
                try:
                    free = set(some) - _used(pointer, some, self._using)
                except DatabaseError as error:
                    failures.append(f"{', '.join(some)} ({one_line(error)})")
                    continue
                for name in sorted(free):
                    try:
                        pointer.storage.delete(name)
                    except Exception as error:  # noqa: BLE001  # a storage's own; others wait
                        failures.append(f"{name} ({error})")


def _used(pointer: "models.FileField", names: Sequence[str], using: str) -> set[str]:
    """Return those of ``names`` that something names in the storage of a column."""
    used: set[str] = set()
    for one in _neighbours(pointer):
        waiting = [name for name in names if name not in used]
        if not waiting:
            break
        if one.has_default():
            used.add(str(one.get_default()))
        for alias in _databases(one.model, using):
            rows = one.model._base_manager.using(alias).filter(**{f"{one.attname}__in": waiting})
            used.update(map(str, rows.order_by().values_list(one.attname, flat=True)))
    return used


def _neighbours(pointer: "models.FileField") -> "Iterator[models.FileField]":
    """Yield the columns whose files may be in the same storage; the same column first."""
    yield pointer
    for model in apps.get_models():
        if model._meta.managed:
            for one in model._meta.local_fields:
                if (
                    isinstance(one, models.FileField)
                    and one != pointer
                    and _may_be_one(one.storage, pointer.storage)
                ):
                    yield one


def _databases(model: type[models.Model], using: str) -> set[str]:
    aliases = {using, router.db_for_read(model)}
    return {one for one in aliases if router.allow_migrate_model(one, model)}


def _may_be_one(one: Any, other: Any) -> bool:
    """Return whether two storages may be one; what nobody can tell apart is taken for one."""
    if isinstance(one, FileSystemStorage) and isinstance(other, FileSystemStorage):
        return bool(one.location == other.location)
    # By what is behind them: the default storage is a proxy.
    return bool(one.__class__ is other.__class__)
