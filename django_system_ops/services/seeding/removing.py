"""Taking rows back that were made: none that others point at, and no row of anybody else's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction

from django_opskit.batches import batches
from django_system_ops.services.seeding.files import Files, file_fields
from django_system_ops.services.seeding.holding import Going
from django_system_ops.services.seeding.pointers import Model

__all__ = ["Removed", "by_dependants", "delete_rows", "empty_circles", "remove_rows"]

_AT_ONCE = 500


@dataclass
class Removed:
    """
    What went, and what stays.

    Attributes:
        rows: how many of each model went.
        held: how many stay because rows that stay point at them, by the names of the columns.
        changed: how many of each model stay because people have changed them.
        hanging: how many of each model stay because a row that is somebody's by now has them as
            its contents.
        gone: how many were gone already.
        failures: files that could not be removed.
    """

    rows: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    hanging: dict[str, int] = field(default_factory=dict)
    gone: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def has_findings(self) -> bool:
        """Return whether something stays that was made."""
        return bool(self.held or self.changed or self.hanging or self.failures)

    def count(self, model: Model, rows: int) -> None:
        """Count rows that went."""
        if rows:
            self.rows[model._meta.label] = self.rows.get(model._meta.label, 0) + rows

    def count_changed(self, model: Model, rows: int) -> None:
        """Count rows that people have changed."""
        if rows:
            self.changed[model._meta.label] = self.changed.get(model._meta.label, 0) + rows

    def count_held(self, held: Mapping[str, int]) -> None:
        """Count rows that are held, by the names of the columns."""
        for name, rows in held.items():
            self.held[name] = self.held.get(name, 0) + rows


def by_dependants(labels: Iterable[str]) -> list[Model]:
    """Return the models of these labels that exist, each before those that it points at."""
    waiting: list[Model] = []
    for label in labels:
        with suppress(LookupError, ValueError):
            waiting.append(apps.get_model(label))
    ordered: list[Model] = []
    while waiting:
        # A circle is broken where a key may be empty: that can be emptied first.
        chosen = _free(waiting) or _free(waiting, required_only=True)[:1] or waiting[:1]
        ordered += chosen
        waiting = [one for one in waiting if one not in chosen]
    return ordered


def remove_rows(
    model: Model,
    pks: Sequence[Any],
    removed: Removed,
    *,
    using: str,
    file_prefix: str = "",
) -> list[Any]:
    """
    Remove rows, but for those that other rows point at; return the keys that stay.

    Links of a many-to-many relation go with the row that has the field. Files that the rows name
    go after the commit if their names begin with ``file_prefix``, unless something else names
    them; by default none. Whoever calls is in a transaction.
    """
    rows = model._base_manager.using(using)
    locked = rows.filter(pk__in=pks)
    if transaction.get_connection(using).features.has_select_for_update:
        locked = locked.select_for_update()
    there = set(locked.values_list("pk", flat=True))
    going = Going({model: there}, using=using, with_contents=False)
    going.settle()
    removed.count_held(going.held)
    free = [pk for pk in pks if pk in going.keys[model]]
    files = Files(using)
    if file_prefix:
        for one in file_fields(model):
            named = {one.attname + "__startswith": file_prefix}
            for name in set(rows.filter(pk__in=free, **named).values_list(one.attname, flat=True)):
                files.add(one, str(name))
    delete_rows(model, free, removed, using=using)
    removed.gone += len(pks) - len(there)
    transaction.on_commit(lambda: files.remove(removed.failures), using=using)
    return [pk for pk in pks if pk in there and pk not in going.keys[model]]


def delete_rows(model: Model, pks: Sequence[Any], removed: Removed, *, using: str) -> None:
    """Delete rows at which nothing that stays points, with their many-to-many links."""
    for through, name in _links(model):
        links = through._base_manager.using(using).filter(**{f"{name}__in": pks})
        links._raw_delete(using)
    doomed: Any = model._base_manager.using(using).filter(pk__in=pks)
    doomed._raw_delete(using)
    removed.count(model, len(pks))


def empty_circles(
    order: Iterable[Model], keys: Mapping[Model, Iterable[Any]], *, using: str
) -> None:
    """Empty the links of rows that go to rows that go before them, as far as they may be empty."""
    before: set[Any] = set()
    for model in order:
        before.add(model)
        names = [
            one.name
            for one in model._meta.concrete_fields
            if isinstance(one, models.ForeignKey)
            and one.null
            and _concrete(one.related_model) in before
        ]
        for part in batches(list(keys[model]), _AT_ONCE) if names else ():
            rows = model._base_manager.using(using).filter(pk__in=part)
            rows.update(**dict.fromkeys(names))


def _concrete(model: Any) -> Any:
    return model._meta.concrete_model


def _links(model: Model) -> Iterator[tuple[Any, str]]:
    """Yield the tables of many-to-many links that have no model of their own, and the column."""
    meta = model._meta
    links: list[tuple[Any, str]] = [(one, one.m2m_field_name()) for one in meta.local_many_to_many]
    links += [
        (one.field, one.field.m2m_reverse_field_name())
        for one in meta.get_fields(include_hidden=True)
        if isinstance(one, models.ManyToManyRel)
    ]
    for one, name in links:
        if one.remote_field.through._meta.auto_created:
            yield one.remote_field.through, name


def _free(waiting: Sequence[Model], *, required_only: bool = False) -> list[Model]:
    """Return those of the models at which none of the others points."""
    targets = {
        target
        for one in waiting
        for target in _targets(one, required_only=required_only)
        if target is not one
    }
    return [one for one in waiting if one not in targets]


def _targets(model: Model, *, required_only: bool) -> set[Any]:
    return {
        one.related_model
        for one in model._meta.concrete_fields
        if isinstance(one, models.ForeignKey) and not (required_only and one.null)
    }
