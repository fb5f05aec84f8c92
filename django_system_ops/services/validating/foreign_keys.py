"""Whether every key refers to a row that is there."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import models, router

from django_system_ops.services.validating.findings import (
    CheckReport,
    Fix,
    Inspection,
)
from django_system_ops.services.validating.rows import (
    count_rows,
    dangling,
    find_rows,
    name_of,
    quoted,
)
from django_system_ops.services.validating.scope import Model, Scope, concrete, owner_of

__all__ = ["ForeignKeys", "keys_of"]

if TYPE_CHECKING:
    Key = models.ForeignKey[Any, Any]
else:
    Key = models.ForeignKey  # generic for the type checker alone


class ForeignKeys:
    """
    Each key of each table by one anti-join, those without a constraint of the database too.

    A constraint is no proof: it may have been made NOT VALID, or switched off for a restore.
    """

    name = "foreign_keys"
    help = "Every foreign key, tables between many-to-many included, refers to a row."
    is_default = True

    def run(self, scope: Scope) -> CheckReport:
        """Look at every key."""
        inspection = Inspection(self.name, "keys", scope.using)
        counted: dict[Model, int] = {}
        for model in scope.candidates:
            for key in keys_of(model):
                where = name_of(model, key.name)
                if reason := scope.reason_against(model) or _reason_against(key, scope.using):
                    inspection.skip(where, reason)
                    continue
                if missing := _what_is_missing(scope, key):
                    inspection.miss(where, f"cannot be followed: {missing}")
                    continue
                with inspection.looking_at(where):
                    self._look_at(inspection, scope, key, where)
                    count_rows(scope, model, counted)
        inspection.rows = sum(counted.values())
        return inspection.report()

    def _look_at(self, inspection: Inspection, scope: Scope, key: Key, where: str) -> None:
        fix = _fix(key, scope.using)
        find_rows(
            inspection,
            scope,
            dangling(key, scope.using),
            where=where,
            message=f"refers to rows of {key.remote_field.model._meta.label} that are not there",
            sql="" if fix else _delete(key, scope.using),
            fix=fix,
        )


def keys_of(model: Model) -> Iterator[Key]:
    """Yield the keys that a model's own table has; a proxy has none."""
    if not model._meta.proxy:
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.ForeignKey):
                yield field


def _reason_against(key: Key, using: str) -> str:
    target = concrete(key.remote_field.model)
    # Many routers only say where rows are read and written: its table may be here, and empty.
    is_here = using in (router.db_for_read(target), router.db_for_write(target))
    is_same = router.db_for_write(target) == router.db_for_write(key.model)
    if router.allow_migrate_model(using, target) and (is_here or is_same):
        return ""
    return "to a model in another database"


def _what_is_missing(scope: Scope, key: Key) -> str:
    target = concrete(key.remote_field.model)
    return scope.what_is_missing(
        key.model, key.model._meta.pk.column, key.column
    ) or scope.what_is_missing(target, key.target_field.column)


def _fix(key: Key, using: str) -> Fix | None:
    if not key.model._meta.pk.column:
        return None  # rows with a composite key are not told apart by one value
    if key.null:
        return Fix(dangling(key, using), set_null=key)
    # A table between two others has nothing of its own to lose; a model of the site may.
    return Fix(dangling(key, using)) if owner_of(key.model) else None


def _delete(key: Key, using: str) -> str:
    """Return the statement that would remove the rows, for somebody who knows the data."""
    target = concrete(key.remote_field.model)
    table, column, there, its = quoted(
        using, key.model._meta.db_table, key.column, target._meta.db_table, key.target_field.column
    )
    return (
        f"DELETE FROM {table} WHERE NOT EXISTS "  # noqa: S608  # shown, not run
        f"(SELECT 1 FROM {there} t WHERE t.{its} = {table}.{column});"
    )
