"""Demo data taken back: what was noted, unless it has become somebody's."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from django.apps import apps
from django.db import transaction

from django_opskit.batches import batches
from django_system_ops.models import SeededRow
from django_system_ops.services.cleanup.statements import writing
from django_system_ops.services.seeding.demo import PREFIX
from django_system_ops.services.seeding.files import Files, file_fields
from django_system_ops.services.seeding.holding import Going
from django_system_ops.services.seeding.ownership import differ, digests
from django_system_ops.services.seeding.pointers import Model
from django_system_ops.services.seeding.removing import (
    Removed,
    by_dependants,
    delete_rows,
    empty_circles,
)
from django_system_ops.services.tenants import Tenants

__all__ = ["remove_demo"]

_AT_ONCE = 500


def remove_demo(
    tenants: Tenants,
    *,
    using: str,
    dry_run: bool = False,
    changed_too: bool = False,
    between: Callable[[], None] = lambda: None,
) -> Removed:
    """
    Take back what recipes have made, and no other row: in one transaction, all of it or nothing.

    A row that people have changed stays with its contents unless ``changed_too``, and so does one
    that somebody's rows point at. What stays is noted still: the next time looks at it again.

    Raises:
        LockLostError: the run has to end; nothing was done.
    """
    removed = Removed()
    with suppress(_RollBack), writing(SeededRow, using):
        noted = SeededRow.objects.using(using).filter(batch__startswith=PREFIX)
        everything = notes = _by_model(noted)
        if not tenants.is_all:
            notes = _by_model(noted.filter(tenant__in=tenants.names))
        there, changed = {}, {}
        for model, ids in notes.items():
            there[model], changed[model] = _looked_at(model, ids, using, between)
            removed.gone += len(ids) - len(there[model])
        going = Going(there, using=using, noted=everything)
        if not changed_too:
            for model, pks in changed.items():
                removed.count_changed(model, len(pks))
            going.leave(changed)
        going.settle(between)
        removed.count_held(going.held)
        removed.hanging |= going.hanging
        _remove(going, notes, there, removed, using, between)
        if dry_run:
            raise _RollBack
    return removed


class _RollBack(Exception):  # noqa: N818  # nothing is wrong
    pass


def _by_model(noted: Any) -> dict[Model, dict[Any, int]]:
    """Return the notes of the models that there are still: their numbers by the rows' keys."""
    found: dict[Model, dict[Any, int]] = {}
    for label in noted.order_by().values_list("model", flat=True).distinct():
        with suppress(LookupError, ValueError):
            model = apps.get_model(label)._meta.concrete_model
            to_python = model._meta.pk.to_python
            # The newest first: they may point at those before them.
            rows = noted.filter(model=label).order_by("-id").values_list("object_pk", "id")
            found.setdefault(model, {}).update((to_python(pk), note) for pk, note in rows)
    return found


def _looked_at(
    model: Model, ids: Mapping[Any, int], using: str, between: Callable[[], None]
) -> tuple[set[Any], set[Any]]:
    """Lock rows; return the keys of those that are there, and of those that have changed."""
    there: set[Any] = set()
    changed: set[Any] = set()
    for part in batches(list(ids), _AT_ONCE):
        between()
        now = digests(model, part, using=using, is_locking=True)
        notes = SeededRow.objects.using(using).filter(id__in=[ids[pk] for pk in part])
        before = dict(notes.values_list("id", "digests"))
        there |= now.keys()
        changed |= {pk for pk, found in now.items() if differ(before[ids[pk]], found)}
    return there, changed


def _remove(
    going: Going,
    notes: Mapping[Model, Mapping[Any, int]],
    there: Mapping[Model, set[Any]],
    removed: Removed,
    using: str,
    between: Callable[[], None],
) -> None:
    """Remove the rows that go, with their files and notes, and the notes of those that are gone."""
    files = Files(using)
    order = by_dependants(model._meta.label for model in notes)
    empty_circles(order, going.keys, using=using)
    for model in order:
        stays = there[model] - going.keys[model]
        for part in batches([pk for pk in notes[model] if pk not in stays], _AT_ONCE):
            between()
            delete_rows(model, [pk for pk in part if pk in there[model]], removed, using=using)
            done = SeededRow.objects.using(using).filter(id__in=[notes[model][pk] for pk in part])
            _add_files(model, done.values_list("files", flat=True), files)
            done.delete()
    transaction.on_commit(partial(files.remove, removed.failures), using=using)


def _add_files(model: Model, saved: Iterable[Mapping[str, str]], files: Files) -> None:
    """Take in the files that were saved for rows, as far as the model still has the columns."""
    pointers = {one.attname: one for one in file_fields(model)}
    for names in saved:
        for column, name in names.items():
            if column in pointers:
                files.add(pointers[column], name)
