"""Taking test rows back: by the ranges that were noted, in batches, children first."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

from django.db import models, transaction

from django_opskit.batches import batches
from django_system_ops.models import SeededRange, SeededRow
from django_system_ops.services.seeding.ownership import differ, digests
from django_system_ops.services.seeding.removing import Removed, by_dependants, remove_rows
from django_system_ops.services.tenants import Tenants
from django_system_ops.services.test_data.columns import FILE_PREFIX
from django_system_ops.services.test_data.making import PREFIX

__all__ = ["clean_test_data"]

_AT_ONCE = 1000
_RANGES_AT_ONCE = 500


def clean_test_data(
    tenants: Tenants,
    *,
    using: str,
    model: type[models.Model] | None = None,
    dry_run: bool = False,
    changed_too: bool = False,
    between: Callable[[], None] = lambda: None,
    advance: Callable[[int], object] = lambda _rows: None,
) -> Removed:
    """
    Remove the rows that create_test_data has made, and no other.

    A row that somebody's rows point at stays, and so does one that was noted by itself and is
    another by now, unless ``changed_too``. What stays is noted still: the next time looks again.
    """
    removed = Removed()
    filters: dict[str, Any] = {"batch__startswith": PREFIX}
    if not tenants.is_all:
        filters["tenant__in"] = tenants.names
    if model is not None:
        filters["model"] = model._meta.label
    ranges = SeededRange.objects.using(using).filter(**filters)
    rows = SeededRow.objects.using(using).filter(**filters)
    labels: set[str] = set()
    for noted in (ranges, rows):
        labels.update(noted.order_by().values_list("model", flat=True).distinct())
    with suppress(_RollBack), transaction.atomic(using=using) if dry_run else nullcontext():
        for one in by_dependants(sorted(labels)):
            for step in _steps(one, ranges, rows, removed, using, changed_too):
                between()
                with transaction.atomic(using=using):
                    advance(step())
        if dry_run:
            raise _RollBack
    return removed


class _RollBack(Exception):  # noqa: N818  # nothing is wrong
    pass


def _steps(
    model: type[models.Model],
    ranges: Any,
    rows: Any,
    removed: Removed,
    using: str,
    changed_too: bool,
) -> Iterator[Callable[[], int]]:
    """Yield what removes a part each; the newest come first, so that what is named goes later."""
    label, before = model._meta.label, None
    while found := list(_part(ranges, label, before)):
        for one in found:
            yield from _range_steps(model, one, removed, using)
        before = found[-1].pk
    before = None
    while noted := list(_part(rows, label, before)):
        for part in batches(noted, _AT_ONCE):
            yield partial(_remove_noted, model, part, removed, using, changed_too=changed_too)
        before = noted[-1].pk


def _part(noted: Any, label: str, before: int | None) -> Any:
    found = noted.filter(model=label).order_by("-id")
    return (found.filter(id__lt=before) if before is not None else found)[:_RANGES_AT_ONCE]


def _range_steps(
    model: type[models.Model], one: SeededRange, removed: Removed, using: str
) -> Iterator[Callable[[], int]]:
    kept: list[Any] = []
    for last in range(one.last_pk, one.first_pk - 1, -_AT_ONCE):
        first = max(one.first_pk, last - _AT_ONCE + 1)

        def step(first: int = first, last: int = last) -> int:
            held = remove_rows(
                model, range(first, last + 1), removed, using=using, file_prefix=FILE_PREFIX
            )
            kept.extend(held)
            if first == one.first_pk and not kept:
                SeededRange.objects.using(using).filter(pk=one.pk).delete()
            return last - first + 1 - len(held)

        yield step


def _remove_noted(
    model: type[models.Model],
    noted: Sequence[SeededRow],
    removed: Removed,
    using: str,
    *,
    changed_too: bool,
) -> int:
    assert model._meta.pk is not None
    notes = {model._meta.pk.to_python(one.object_pk): one for one in noted}
    if not changed_too:
        now = digests(model, notes, using=using, is_locking=True)
        # Of the same key by now may also be a row that somebody made after ours was gone.
        changed = {pk for pk, found in now.items() if differ(notes[pk].digests, found)}
        removed.count_changed(model, len(changed))
        notes = {pk: one for pk, one in notes.items() if pk not in changed}
    held = set(remove_rows(model, list(notes), removed, using=using, file_prefix=FILE_PREFIX))
    done = [one.pk for pk, one in notes.items() if pk not in held]
    SeededRow.objects.using(using).filter(pk__in=done).delete()
    return len(done)
