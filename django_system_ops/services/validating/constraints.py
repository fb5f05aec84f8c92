"""Whether the rows keep what the models promise, where the database may not have watched."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import models
from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from django_system_ops.services.validating.findings import CheckReport, Finding, Inspection
from django_system_ops.services.validating.rows import (
    all_rows,
    count_rows,
    find_rows,
    may_look,
    name_of,
)
from django_system_ops.services.validating.scope import Model, Scope

__all__ = ["Constraints", "Unique", "unique_promises"]


class Constraints:
    """Check constraints by their negation; unique ones by grouping, where the database lacks it."""

    name = "constraints"
    help = "Every row keeps the check constraints; unique ones, where the database has none."
    is_default = True

    def run(self, scope: Scope) -> CheckReport:
        """Look at every constraint."""
        inspection = Inspection(self.name, "constraints", scope.using)
        counted: dict[Model, int] = {}
        for model in scope.candidates:
            for where, look in _promises(inspection, scope, model):
                if may_look(inspection, scope, model, where):
                    with inspection.looking_at(where):
                        look()
                        count_rows(scope, model, counted)
        inspection.rows = sum(counted.values())
        return inspection.report()


@dataclass(frozen=True)
class Unique:
    """
    A promise that no two rows have the same.

    Attributes:
        constraint: its name in the database; empty where that is Django's to choose.
        is_null_a_value: whether two rows with NULL have the same.
    """

    model: Model
    where: str
    fields: Sequence[str]
    constraint: str = ""
    expressions: Sequence[Any] = ()
    condition: Q | None = None
    is_null_a_value: bool = False

    @property
    def columns(self) -> Sequence[str]:
        """Return the columns of the fields."""
        fields = [self.model._meta.get_field(name) for name in self.fields]
        return [str(getattr(one, "column", "")) for one in fields]

    def is_kept_by_database(self, scope: Scope) -> bool:
        """Return whether the database has a constraint of its own for it."""
        table = self.model._meta.db_table
        if not self.expressions and self.condition is None and not self.is_null_a_value:
            return scope.keeps_unique(table, self.columns)
        # What is special about it cannot be compared: the one of its name was made for it.
        return bool(scope.constraints(table).get(self.constraint, {}).get("unique"))


def unique_promises(model: Model) -> Iterator[Unique]:
    """Yield what a model promises to be unique in its own table, primary keys apart."""
    for field in model._meta.local_concrete_fields:
        if field.unique and not field.primary_key:
            yield Unique(model, name_of(model, field.name), [field.name])
    for names in model._meta.unique_together:
        yield Unique(model, name_of(model, f"({', '.join(names)})"), list(names))
    for one in model._meta.constraints:
        if isinstance(one, models.UniqueConstraint):
            yield Unique(
                model,
                name_of(model, one.name),
                one.fields,
                one.name,
                one.expressions,
                one.condition,
                is_null_a_value=one.nulls_distinct is False,
            )


def _promises(
    inspection: Inspection, scope: Scope, model: Model
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the name of each promise, and what looks whether it is kept."""
    if model._meta.proxy:
        return
    for promise in unique_promises(model):
        yield promise.where, partial(_look_at_unique, inspection, scope, promise)
    for one in model._meta.constraints:
        where = name_of(model, one.name)
        if isinstance(one, models.CheckConstraint):
            yield where, partial(_look_at_check, inspection, scope, model, where, one.condition)
        elif not isinstance(one, models.UniqueConstraint):
            inspection.skip(where, f"a {type(one).__name__}, which only the database knows")


def _look_at_check(
    inspection: Inspection, scope: Scope, model: Model, where: str, condition: Any
) -> None:
    # NOT of the very expression: a row for which it is NULL keeps the constraint, as the
    # standard says of CHECK. exclude() and ~Q() would take NULL for a violation.
    holds: Any = ExpressionWrapper(condition, output_field=BooleanField())
    rows = all_rows(model, scope.using).filter(~holds)
    find_rows(inspection, scope, rows, where=where, message="breaks the constraint")


def _look_at_unique(inspection: Inspection, scope: Scope, promise: Unique) -> None:
    if promise.is_kept_by_database(scope):
        return
    rows: Any = all_rows(promise.model, scope.using)
    if promise.condition is not None:
        rows = rows.filter(promise.condition)
    values = [*map(models.F, promise.fields), *map(_without_order, promise.expressions)]
    parts = {f"validated_{at}": one for at, one in enumerate(values)}
    rows = rows.annotate(**parts)
    if not promise.is_null_a_value:
        rows = rows.filter(**{f"{name}__isnull": False for name in parts})
    groups = rows.values(*parts).annotate(how_many=Count("*")).filter(how_many__gt=1)
    if not (count := groups.count()):
        return
    some = groups.order_by(*parts).values_list(*parts)[: scope.examples]
    message = "has the same in more than one row, and no constraint in the database"
    examples = [", ".join(map(str, one)) for one in some]
    inspection.find(Finding(promise.where, message, count, examples))


def _without_order(expression: Any) -> Any:
    while isinstance(expression, models.expressions.OrderBy):
        expression = expression.expression
    return expression
