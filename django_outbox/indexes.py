"""
Indexes over the rows of one status, on databases with partial indexes and without.

PostgreSQL and SQLite get real partial indexes. MariaDB and MySQL have none: there an index leads
with the status, and uniqueness is kept by a virtual column that is NULL outside the status,
since NULLs do not collide. Both kinds are known to Django's migrations, so that a rebuilt SQLite
table keeps them.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.models import Q
from django.db.models.constraints import BaseConstraint

__all__ = ["StatusIndex", "UniqueWhereSet", "UniqueWhilePending", "UniqueWhileRunning"]


def _has_partial_indexes(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    return bool(schema_editor.connection.features.supports_partial_indexes)


class StatusIndex(models.Index):
    """
    An index over the rows whose ``status`` is one of ``statuses``.

    With ``filled``, only over those of them where this text column is not empty, as far as the
    database has partial indexes.
    """

    def __init__(self, *, statuses: Sequence[str], filled: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.statuses = list(statuses)
        self.filled = filled

    def deconstruct(self) -> Any:
        """Return what a migration needs to build this index again."""
        path, args, kwargs = super().deconstruct()
        kwargs |= {"statuses": self.statuses}
        return path, args, {**kwargs, "filled": self.filled} if self.filled else kwargs

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Statement:
        """Return the statement for this database."""
        if _has_partial_indexes(schema_editor):
            # One status is written as an equation, several as a list: the planner proves
            # "status = 'PENDING'" from the first form without help.
            wanted = (
                Q(status=self.statuses[0])
                if len(self.statuses) == 1
                else Q(status__in=self.statuses)
            )
            if self.filled:
                wanted &= Q(**{f"{self.filled}__gt": ""})
            index = models.Index(fields=self.fields, name=self.name, condition=wanted)
        else:
            index = models.Index(fields=["status", *self.fields], name=self.name)
        return index.create_sql(model, schema_editor, using=using, **kwargs)


class _PartlyUnique(BaseConstraint):
    """``(group, key)`` is unique among some rows; the subclasses say among which."""

    #: The virtual column of MariaDB and MySQL; Django's model does not know it.
    MYSQL_COLUMN: ClassVar[str]

    def __init__(self, *, group: str, key: str, name: str, **options: Any) -> None:
        super().__init__(name=name, **options)
        self.group = group
        self.key = key

    def deconstruct(self) -> Any:
        """Return what a migration needs to build this constraint again."""
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "group": self.group, "key": self.key}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, type(self)):
            return bool(self.deconstruct() == other.deconstruct())
        return NotImplemented

    __hash__ = BaseConstraint.__hash__

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Leave the decision to the database: checking first would only be a race."""

    def constraint_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        """Add the index after the table: it cannot stand inside CREATE TABLE."""
        assert model is not None and schema_editor is not None
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def create_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Any:
        """Return the statement for this database."""
        assert model is not None and schema_editor is not None
        if (constraint := self._as_djangos_own(schema_editor)) is not None:
            return constraint.create_sql(model, schema_editor)
        key = model._meta.get_field(self.key)
        parameters: Any = key.db_parameters(schema_editor.connection)  # type: ignore[union-attr]  # a column, no reverse relation
        quote = schema_editor.quote_name
        column = quote(self.MYSQL_COLUMN)
        return (
            f"ALTER TABLE {quote(model._meta.db_table)} "
            f"ADD COLUMN {column} {parameters['type']} COLLATE {parameters['collation']} "
            f"GENERATED ALWAYS AS (IF({self._mysql_condition(quote)}, {quote(self.key)}, NULL)) "
            f"VIRTUAL, ADD UNIQUE INDEX {quote(self.name)} ({quote(self.group)}, {column})"
        )

    def remove_sql(
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Any:
        """Return the statement that takes it away."""
        assert model is not None and schema_editor is not None
        if (constraint := self._as_djangos_own(schema_editor)) is not None:
            return constraint.remove_sql(model, schema_editor)
        quote = schema_editor.quote_name
        return (
            f"ALTER TABLE {quote(model._meta.db_table)} "
            f"DROP INDEX {quote(self.name)}, DROP COLUMN {quote(self.MYSQL_COLUMN)}"
        )

    def _as_djangos_own(
        self, schema_editor: BaseDatabaseSchemaEditor
    ) -> models.UniqueConstraint | None:
        """Return the constraint of Django's that does it on this database, if there is one."""
        if not _has_partial_indexes(schema_editor):
            return None
        return models.UniqueConstraint(
            fields=[self.group, self.key], condition=self._condition(), name=self.name
        )

    def _condition(self) -> Q:
        raise NotImplementedError

    def _mysql_condition(self, quote: Callable[[str], str]) -> str:
        raise NotImplementedError


class UniqueWhilePending(_PartlyUnique):
    """At most one PENDING row for ``(group, key)``; rows without a key are free."""

    MYSQL_COLUMN = "pending_key"

    def _condition(self) -> Q:
        return Q(status="PENDING", **{f"{self.key}__isnull": False})

    def _mysql_condition(self, quote: Callable[[str], str]) -> str:
        return f"{quote('status')} = 'PENDING'"


class UniqueWhileRunning(_PartlyUnique):
    """At most one row IN_PROGRESS for ``(group, key)``; rows with an empty key are free."""

    MYSQL_COLUMN = "running_key"

    def _condition(self) -> Q:
        return Q(status="IN_PROGRESS", **{f"{self.key}__gt": ""})

    def _mysql_condition(self, quote: Callable[[str], str]) -> str:
        return f"{quote('status')} = 'IN_PROGRESS' AND {quote(self.key)} <> ''"


class UniqueWhereSet(_PartlyUnique):
    """At most one row for ``(group, key)``, whatever its status; rows without a key are free."""

    def _as_djangos_own(self, schema_editor: BaseDatabaseSchemaEditor) -> models.UniqueConstraint:
        # Without partial indexes a whole one will do: NULLs do not collide.
        whole = models.UniqueConstraint(fields=[self.group, self.key], name=self.name)
        return super()._as_djangos_own(schema_editor) or whole

    def _condition(self) -> Q:
        return Q(**{f"{self.key}__isnull": False})
