"""Making rows: a batch of one tenant in one transaction, noted in the same."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Max
from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.engine.shares import apportion, zipf_weights
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.models import SeededRange, SeededRow
from django_system_ops.services.seeding.ownership import note_rows
from django_system_ops.services.tenants import Tenants, tenant_model
from django_system_ops.services.test_data.columns import Batch, Columns, written_fields
from django_system_ops.services.test_data.parents import Parents
from django_system_ops.services.test_data.planning import Plan
from django_system_ops.services.test_data.rules import rules_of
from django_system_ops.services.test_data.values import Maker, start_of
from django_system_ops.services.test_data.writing import Writer, writer_for
from django_system_ops.services.texts import one_line

__all__ = ["PREFIX", "Made", "make_test_data"]

#: What sets of test rows are called: this, and the scenario.
PREFIX = "test:"

# Rows are spread over so many tenants at most; a site may have very many.
_MOST_TENANTS = 100


@dataclass
class Made:
    """
    What was made.

    Attributes:
        rows: how many rows of each model.
        short: why there are fewer of a model than were wanted.
    """

    rows: dict[str, int] = field(default_factory=dict)
    short: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Run:
    plan: Plan
    tenants: Tenants
    batch: str
    seed: int
    using: str
    today: datetime
    between: Callable[[], None]
    advance: Callable[[int], object]


def make_test_data(
    plan: Plan,
    tenants: Tenants,
    *,
    scenario: str,
    seed: int,
    using: str,
    between: Callable[[], None] = lambda: None,
    advance: Callable[[int], object] = lambda _rows: None,
) -> Made:
    """
    Make the rows of a plan; every batch that is committed is noted, so that it can go again.

    The same seed makes the same rows on one day, on whichever database.

    Raises:
        SystemOpsError: the database refuses what was made up, or nothing can be made up.
    """
    run = _Run(
        plan,
        tenants,
        f"{PREFIX}{scenario}"[:150],
        seed,
        using,
        start_of(timezone.now().date()),
        between,
        advance,
    )
    made, parents = Made(), Parents(using)
    for model, count in plan.counts.items():
        _fill(run, model, count, parents, made)
    return made


def _fill(run: _Run, model: Any, count: int, parents: Parents, made: Made) -> None:
    conf, label = get_conf().test_data, model._meta.label
    rules = rules_of(model)
    writer = writer_for(model, written_fields(model), run.using)
    maker = Maker(
        rules,
        seed=f"{run.seed}:{label}",
        locales=conf.locales,
        today=run.today,
        days=conf.days,
    )
    columns = Columns(
        model,
        rules,
        maker,
        writer,
        parents,
        paths=run.plan.paths,
        values=dict(conf.values),
        nulls=conf.nulls,
        size=count,
        using=run.using,
    )
    serial = _first_serial(model, run.using)
    path = run.plan.paths.get(model, "")

    def has_parents(tenant: Any) -> bool:
        return columns.has_parents(Batch(1, tenant, serial, 0, random.Random(0)))  # noqa: S311

    for tenant, name, part in _shares(run, model, count, has_parents):
        most = columns.most(Batch(part, tenant, serial, 0, random.Random(0)))  # noqa: S311
        if most is not None and most < part:
            made.short[label] = "what has to be unique, or is pointed at once, allows no more"
            part = most  # noqa: PLW2901  # what can be made of it
        done = 0
        while done < part:
            run.between()
            size = min(conf.batch_size, part - done)
            chance = random.Random(f"{run.seed}:{label}:{serial}")  # noqa: S311  # made-up data
            batch = Batch(size, tenant, serial, done, chance)
            keys = _write(run, writer, columns, batch, name)
            parents.add(model, path if path != "pk" else "", tenant, keys)
            done, serial = done + size, serial + size
            made.rows[label] = made.rows.get(label, 0) + size
            run.advance(size)
    if not made.rows.get(label):
        made.short.setdefault(label, "no tenant has what such a row could point at")


def _write(run: _Run, writer: Writer, columns: Columns, batch: Batch, tenant: str) -> Any:
    """Write a batch and note it; return its keys."""
    model, now = writer.model, timezone.now()
    try:
        with transaction.atomic(using=run.using):
            made = columns.make(batch)
            ranges = writer.write(made, batch.count)
            if not writer.gives_keys:
                keys = _own_keys(writer, made)
                note_rows(
                    run.batch,
                    tenant,
                    {model: keys},
                    using=run.using,
                    now=now,
                    serial=batch.serial,
                )
                return keys
            SeededRange.objects.using(run.using).bulk_create(
                SeededRange(
                    batch=run.batch,
                    tenant=tenant,
                    model=model._meta.label,
                    first_pk=first,
                    last_pk=last,
                    serial=batch.serial + batch.count - 1,
                    made_at=now,
                )
                for first, last in ranges
            )
            if len(ranges) == 1:
                return range(ranges[0][0], ranges[0][1] + 1)
            return [key for first, last in ranges for key in range(first, last + 1)]
    except IntegrityError as error:
        raise SystemOpsError(
            f"{model._meta.label}: the database refuses what was made up ({one_line(error)}). "
            "Name values that it takes in MANAGEMENT_COMMANDS['test_data']['values'], such as "
            f"'{model._meta.label}.{writer.fields[0].name}'."
        ) from error


def _own_keys(writer: Writer, columns: list[Any]) -> list[Any]:
    """Return the keys that are among the columns, as the model has them."""
    at = [one.name for one in writer.fields].index(writer.pk.name)
    to_python = writer.pk.to_python
    return [to_python(one.decode() if isinstance(one, bytes) else one) for one in columns[at]]


def _first_serial(model: type[models.Model], using: str) -> int:
    """Return the number of the next row: above those of all that are noted."""
    highest = [
        noted.objects.using(using)
        .filter(model=model._meta.label, batch__startswith=PREFIX)
        .aggregate(most=Max("serial"))["most"]
        for noted in (SeededRange, SeededRow)
    ]
    return max(one or 0 for one in highest) + 1


def _shares(
    run: _Run, model: Any, count: int, has_parents: Callable[[Any], bool]
) -> Iterator[tuple[Any, str, int]]:
    """Yield the tenants of a model's rows, each with its name and number of rows."""
    path = run.plan.paths.get(model, "")
    tenant = tenant_model()
    if path in ("", "pk") or tenant is None:
        yield None, "", count
        return
    rows = tenant._base_manager.using(run.using)
    if not run.tenants.is_all:
        rows = rows.filter(pk__in=run.tenants.pks)
    field_name = get_conf().tenants.name_field
    found = list(rows.order_by("pk").values_list("pk", field_name)[:_MOST_TENANTS])
    # Some tenants have nothing that such a row could point at. Each of the others gets a row, so
    # that the next model has something there.
    found = [one for one in found if has_parents(one[0])][:count]
    if run.tenants.is_all and not found and has_parents(None):
        yield None, "", count  # such rows may be nobody's
    rest = apportion(count - len(found), zipf_weights(len(found)))
    for (pk, name), more in zip(found, rest, strict=True):
        yield pk, str(name), more + 1
