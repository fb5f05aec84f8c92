"""Rows of tables as they are: no manager of the site leaves any out."""

from collections.abc import Sequence
from typing import Any

from django.db import connections, models
from django.db.models import Exists, OuterRef, QuerySet

from django_system_ops.services.validating.findings import Finding, Fix, Inspection, Level
from django_system_ops.services.validating.scope import Model, Scope, concrete, owner_of

__all__ = ["all_rows", "count_rows", "dangling", "find_rows", "may_look", "name_of", "quoted"]


def all_rows(model: Model, using: str) -> QuerySet[models.Model]:
    """Return every row of a model's table, whatever its managers would leave out."""
    return QuerySet(model, using=using).order_by()


def count_rows(scope: Scope, model: Model, counted: dict[Model, int]) -> int:
    """Return how many rows a model has; asked once for all that wants to know."""
    if model not in counted:
        counted[model] = all_rows(model, scope.using).count()
    return counted[model]


def dangling(key: "models.ForeignKey[Any, Any]", using: str) -> QuerySet[models.Model]:
    """Return the rows whose key refers to a row that is not there."""
    target = concrete(key.remote_field.model)
    # Columns, not relations: a join would leave out the very rows that are looked for.
    there = all_rows(target, using).filter(**{key.target_field.attname: OuterRef(key.attname)})
    rows = all_rows(key.model, using).filter(**{f"{key.attname}__isnull": False})
    return rows.filter(~Exists(there))


def find_rows(
    inspection: Inspection,
    scope: Scope,
    rows: QuerySet[models.Model],
    *,
    where: str,
    message: str,
    sql: str = "",
    level: Level = Level.FINDING,
    fix: Fix | None = None,
) -> None:
    """Take down a finding about ``rows`` if there are any: one query, and one more for examples."""
    if not (count := rows.count()):
        return
    examples = list(rows.order_by("pk").values_list("pk", flat=True)[: scope.examples])
    inspection.find(
        Finding(where, message, count, tuple(map(str, examples)), sql, level=level, fix=fix)
    )


def may_look(
    inspection: Inspection, scope: Scope, model: Model, where: str, *columns: str | None
) -> bool:
    """Return whether a model's table is ours to look at and has these columns; else say why not."""
    if reason := scope.reason_against(model):
        inspection.skip(where, reason)
        return False
    if missing := scope.what_is_missing(model, *columns):
        inspection.miss(where, f"cannot be looked at: {missing}")
        return False
    return True


def name_of(model: Model, *fields: str) -> str:
    """Return a model or a field as people write it: ``shop.Message.chat``."""
    owner = owner_of(model)
    if owner is None:
        return ".".join((model._meta.label, *fields))
    own = [one.name for one in owner._meta.many_to_many if one.remote_field.through is model]
    return ".".join((owner._meta.label, *own, *fields))


def quoted(using: str, *names: str | None) -> Sequence[str]:
    """Return names as they stand in a statement."""
    return [connections[using].ops.quote_name(name) for name in names if name]
