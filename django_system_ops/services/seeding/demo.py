"""Demo data: made by the site's recipes, and each row noted."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils import timezone

from django_opskit.batches import batches
from django_system_ops.conf import get_conf
from django_system_ops.models import SeededRow
from django_system_ops.services.seeding.callables import load_callable
from django_system_ops.services.seeding.files import file_fields
from django_system_ops.services.seeding.ownership import note_rows
from django_system_ops.services.tenants import Tenants, tenant_model

__all__ = ["PREFIX", "DemoReport", "RecipeContext", "SetReport", "make_demo"]

#: What sets of demo rows are called: this, and the recipe.
PREFIX = "demo:"

_M = TypeVar("_M", bound=models.Model)
_AT_ONCE = 500


@dataclass
class SetReport:
    """One recipe's rows of one tenant."""

    recipe: str
    tenant: str
    is_there: bool = False
    rows: dict[str, int] = field(default_factory=dict)


@dataclass
class DemoReport:
    """What was made."""

    sets: list[SetReport] = field(default_factory=list)

    def rows(self) -> dict[str, int]:
        """Return how many rows of each model were made."""
        found: dict[str, int] = {}
        for one in self.sets:
            for label, count in one.rows.items():
                found[label] = found.get(label, 0) + count
        return found


class RecipeContext:
    """
    What a recipe is given; it makes its rows with this, so that they can be taken back.

    Attributes:
        tenant: whose data to make, a row of the site's model; None where it has no tenants.
        random: the recipe's own source of chance, the same for the same seed.
        today: when this day began, so that a recipe makes the same rows all day.
        database: the alias to write to.
    """

    def __init__(self, tenant: Any, seed: str, *, today: datetime, database: str) -> None:
        self.tenant = tenant
        self.random = random.Random(seed)  # noqa: S311  # for chats, and no secrets
        self.today = today
        self.database = database
        self.made: dict[type[models.Model], list[Any]] = {}
        self.files: dict[tuple[type[models.Model], Any], dict[str, str]] = {}
        self._files: list[tuple[Any, str]] = []

    def create(self, rows: Sequence[_M]) -> list[_M]:
        """Make rows of one model, as ``bulk_create`` does: no ``save()``, no signals."""
        if not rows:
            return []
        model = type(rows[0])
        for part in batches(rows, _AT_ONCE):
            unsaved = list(_unsaved_files(part))
            try:
                made = model._base_manager.using(self.database).bulk_create(part)
            finally:
                # Those alone that were saved just now, also where the next one found no room.
                saved = [(row, one) for row, one in unsaved if one._committed]
                self._files += [(one.storage, str(one.name)) for _row, one in saved]
            if any(one.pk is None for one in made):
                raise NotImplementedError(
                    f"{model._meta.label}: the database gives no keys back; make its rows with "
                    "keys of your own."
                )
            self.made.setdefault(model, []).extend(one.pk for one in made)
            for row, one in saved:
                self.files.setdefault((model, row.pk), {})[one.field.attname] = str(one.name)
        return list(rows)

    def ensure(
        self, model: type[_M], key: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> _M:
        """Return the row of ``key``; what is there already is not ours, and stays as it is."""
        rows = model._base_manager.using(self.database)
        found = rows.filter(**key).first()
        return found or self.create([model(**{**key, **(defaults or {})})])[0]

    def forget_files(self) -> None:
        """Remove the files that were saved: their rows have not come to be."""
        for storage, name in self._files:
            with suppress(Exception):
                storage.delete(name)


def make_demo(
    tenants: Tenants,
    *,
    seed: int,
    using: str,
    dry_run: bool = False,
    between: Callable[[], None] = lambda: None,
) -> DemoReport:
    """
    Make what is missing: each recipe's rows of each tenant in one transaction, whole or not.

    What a recipe has made for a tenant once is not made again, whatever has become of it.

    Raises:
        ImproperlyConfigured: a recipe cannot be imported.
    """
    place = "MANAGEMENT_COMMANDS['demo']['recipes']"
    recipes = [(path, load_callable(path, place)) for path in get_conf().demo.recipes]
    report = DemoReport()
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for tenant, name in _each_tenant(tenants, using=using):
        for path, recipe in recipes:
            between()
            one = SetReport(path, name)
            report.sets.append(one)
            batch = f"{PREFIX}{path}"[:150]
            if SeededRow.objects.using(using).filter(batch=batch, tenant=name).exists():
                one.is_there = True
                continue
            context = RecipeContext(tenant, f"{seed}:{batch}:{name}", today=today, database=using)
            try:
                with suppress(_RollBack), transaction.atomic(using=using):
                    recipe(context)
                    note_rows(
                        batch,
                        name,
                        context.made,
                        using=using,
                        now=timezone.now(),
                        files=context.files,
                    )
                    if dry_run:
                        raise _RollBack
            except BaseException:
                context.forget_files()
                raise
            if dry_run:
                context.forget_files()
            one.rows = {model._meta.label: len(pks) for model, pks in context.made.items()}
    return report


class _RollBack(Exception):  # noqa: N818  # nothing is wrong
    pass


def _each_tenant(tenants: Tenants, *, using: str) -> list[tuple[Any, str]]:
    model = tenant_model()
    if model is None:
        return [(None, "")]
    name_field = get_conf().tenants.name_field
    rows = model._base_manager.using(using).order_by(name_field)
    if not tenants.is_all:
        rows = rows.filter(pk__in=tenants.pks)
    return [(one, str(getattr(one, name_field))) for one in rows]


def _unsaved_files(rows: Sequence[models.Model]) -> Iterator[tuple[models.Model, Any]]:
    """Yield the files that making the rows will save; what they only name is not ours."""
    for row in rows:
        for one in file_fields(type(row)):
            file: Any = getattr(row, one.attname)
            if file and not file._committed:
                yield row, file
