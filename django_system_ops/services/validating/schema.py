"""Whether the tables are what the models say, by asking the database."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, models, router

from django_system_ops.engine.column_types import is_other_type
from django_system_ops.services.validating.constraints import Unique, unique_promises
from django_system_ops.services.validating.findings import (
    CheckReport,
    Finding,
    Inspection,
    Level,
)
from django_system_ops.services.validating.foreign_keys import keys_of
from django_system_ops.services.validating.rows import name_of
from django_system_ops.services.validating.scope import Model, Scope, concrete, owner_of

__all__ = ["Schema"]


class Schema:
    """Tables, columns, indexes and constraints; the records of migrations prove none of them."""

    name = "schema"
    help = "Tables, columns, types, NULL, indexes and constraints are what the models say."
    is_default = True

    def run(self, scope: Scope) -> CheckReport:
        """Look at every table."""
        inspection = Inspection(self.name, "tables", scope.using)
        for model in scope.candidates:
            where = name_of(model)
            if reason := scope.reason_against(model):
                inspection.skip(where, reason)
            elif missing := scope.what_is_missing(model):
                inspection.miss(where, missing)
            else:
                with inspection.looking_at(where):
                    _Table(inspection, scope, model).look()
        return inspection.report()


class _Table:
    """One table, and what the model that it belongs to says of it."""

    def __init__(self, inspection: Inspection, scope: Scope, model: Model) -> None:
        self._inspection, self._scope, self._model = inspection, scope, model
        self._connection: Any = connections[scope.using]
        self._features = self._connection.features
        self._table = model._meta.db_table
        self._columns = scope.columns[self._table]
        self._constraints = scope.constraints(self._table)
        # The migration that adds a column brings its indexes and constraints.
        self._all_fields: list[Any] = list(model._meta.local_concrete_fields)
        self._fields = [one for one in self._all_fields if one.column in self._columns]

    def look(self) -> None:
        self._look_at_columns()
        for promise in unique_promises(self._model):
            self._look_at_unique(promise)
        self._look_at_indexes()
        self._look_at_keys()
        self._look_at_checks()

    def _look_at_columns(self) -> None:
        for field in self._all_fields:
            found = self._columns.get(field.column)
            if found is None:
                self._find(f"the column {field.column} is missing", field.name)
                continue
            wanted = field.db_parameters(self._connection)["type"] or ""
            # Migrations give the tables of many-to-many fields keys of the site's default kind,
            # the models those of their app: auth itself has bigint where the model says integer.
            is_settled = field.primary_key and owner_of(self._model)
            if not is_settled and is_other_type(self._connection.vendor, wanted, found.type):
                self._find(
                    f"the column {field.column} is {found.type}, and should be {wanted}", field.name
                )
            # Of a generated column the database makes up its mind by itself.
            is_free = field.primary_key or field.generated
            if not is_free and found.is_nullable != field.null:
                both = ["may not be NULL", "may be NULL"]
                there, model = both[found.is_nullable], both[field.null]
                self._find(
                    f"the column {field.column} {there} in the table, and {model} in the model",
                    field.name,
                )
        known = {one.column for one in self._all_fields}
        for name in sorted(self._columns.keys() - known):
            self._find(f"has a column {name} that the model does not know", level=Level.INFO)

    def _look_at_unique(self, promise: Unique) -> None:
        features = self._features
        is_possible = (
            (promise.condition is None or features.supports_partial_indexes)
            and (not promise.expressions or features.supports_expression_indexes)
            and (not promise.is_null_a_value or features.supports_nulls_distinct_unique_constraints)
        )
        has_columns = all(one in self._columns for one in promise.columns)
        if has_columns and is_possible and not promise.is_kept_by_database(self._scope):
            what = promise.constraint or f"on {', '.join(promise.columns)}"
            self._inspection.find(
                Finding(promise.where, f"the unique constraint {what} is missing")
            )

    def _look_at_indexes(self) -> None:
        for field in self._fields:
            has_text_index = self._features.supports_index_on_text_field
            is_possible = has_text_index or not isinstance(field, models.TextField)
            if field.db_index and not field.unique and is_possible:
                self._look_at_index([field.column], field.name)
        for index in self._model._meta.indexes:
            special = index.condition is not None or index.expressions
            if special and not self._features.supports_partial_indexes:
                continue
            if index.name not in self._constraints and (special or not self._has_index(index)):
                self._find(f"the index {index.name} is missing")

    def _has_index(self, index: models.Index) -> bool:
        fields = [self._model._meta.get_field(name) for name in index.fields]
        return self._is_indexed([str(getattr(one, "column", "")) for one in fields])

    def _look_at_index(self, columns: Sequence[str], field: str) -> None:
        if not self._is_indexed(columns):
            self._find(f"the index on {', '.join(columns)} is missing", field)

    def _is_indexed(self, columns: Sequence[str]) -> bool:
        return any(
            (one["index"] or one["unique"] or one["primary_key"])
            and one["columns"][: len(columns)] == list(columns)
            for one in self._constraints.values()
        )

    def _look_at_keys(self) -> None:
        keys: Iterable[Any] = keys_of(self._model)
        for key in keys:
            target = concrete(key.remote_field.model)
            if (
                not key.db_constraint
                or key.column not in self._columns
                or not self._features.supports_foreign_keys
                or not router.allow_migrate_model(self._scope.using, target)
            ):
                continue
            there = (target._meta.db_table, key.target_field.column)
            if not any(
                one["columns"] == [key.column] and tuple(one["foreign_key"] or ()) == there
                for one in self._constraints.values()
            ):
                self._find(f"the foreign key to {there[0]}.{there[1]} is missing", key.name)

    def _look_at_checks(self) -> None:
        for one in self._model._meta.constraints:
            if (
                isinstance(one, models.CheckConstraint)
                and self._features.supports_table_check_constraints
                and one.name not in self._constraints
            ):
                self._find(f"the check constraint {one.name} is missing")

    def _find(self, message: str, *field: str, level: Level = Level.FINDING) -> None:
        self._inspection.find(Finding(name_of(self._model, *field), message, level=level))
