"""What is to be looked at: which models, in which database, and how closely."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import connections, models, router

from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.validating.database import (
    Column,
    read_columns,
    read_partial_indexes,
)

__all__ = ["Model", "Scope", "concrete", "named_module", "owner_of"]

Model = type[models.Model]


@dataclass(frozen=True)
class Scope:
    """
    What is to be looked at.

    Attributes:
        using: in which of the site's databases.
        app_label: of this app alone; None for all.
        model: this model alone, with the tables of its own many-to-many fields.
        examples: how many rows a finding names.
        sample: how many rows of a model are looked at where each takes time; None for all.
    """

    using: str
    app_label: str | None = None
    model: Model | None = None
    examples: int = 5
    sample: int | None = None

    @cached_property
    def candidates(self) -> Sequence[Model]:
        """Return all models in question, proxies and those of others included."""
        everything = apps.get_models(include_auto_created=True)
        return [one for one in everything if self._covers(one)]

    @cached_property
    def models(self) -> Sequence[Model]:
        """Return those that have a table of ours in this database, as the site means it."""
        return [one for one in self.candidates if not self.reason_against(one)]

    def reason_against(self, model: Model) -> str:
        """Return why a model is not looked at; nothing where it is."""
        if model._meta.proxy:
            return "a proxy"
        if not model._meta.managed:
            return "unmanaged"
        if not router.allow_migrate_model(self.using, model):
            return "in another database"
        return ""

    @cached_property
    def columns(self) -> dict[str, dict[str, Column]]:
        """Return what tables and columns there are."""
        return read_columns(self.using)

    def what_is_missing(self, model: Model, *columns: str | None) -> str:
        """Return a sentence when the table, or one of the columns, is not there."""
        table = model._meta.db_table
        if table not in self.columns:
            return f"the table {table} is missing"
        for name in columns:
            # A composite primary key has no column of its own.
            if name and name not in self.columns[table]:
                return f"the column {name} of the table {table} is missing"
        return ""

    def constraints(self, table: str) -> dict[str, dict[str, Any]]:
        """Return the table's indexes and constraints, as Django's introspection has them."""
        if table not in self._constraints:
            connection = connections[self.using]
            with connection.cursor() as cursor:
                found: Any = connection.introspection.get_constraints(cursor, table)
            self._constraints[table] = found
        return self._constraints[table]

    def keeps_unique(self, table: str, columns: Sequence[str]) -> bool:
        """Return whether the database itself lets no two rows have the same in these columns."""
        return any(
            (one["unique"] or one["primary_key"])
            and len(one["columns"]) == len(columns)
            and set(one["columns"]) == set(columns)
            and name not in self._partial
            for name, one in self.constraints(table).items()
        )

    @cached_property
    def _constraints(self) -> dict[str, dict[str, dict[str, Any]]]:
        return {}

    @cached_property
    def _partial(self) -> frozenset[str]:
        return read_partial_indexes(self.using)

    def _covers(self, model: Model) -> bool:
        if self.model is not None:
            return concrete(owner_of(model) or model) is concrete(self.model)
        return self.app_label in (None, model._meta.app_label)


def concrete(model: Model) -> Model:
    """Return the model that has the table of a model: of a proxy the one behind it."""
    return model._meta.concrete_model or model


def owner_of(model: Model) -> Model | None:
    """Return whose many-to-many field made a model; None for those that somebody wrote."""
    made_by: Any = model._meta.auto_created
    return made_by or None


def named_module(name: str) -> tuple[str, Model | None]:
    """
    Return the app label, and the model if it names one, that ``--module`` means.

    Raises:
        WrongUsageError: there is none; it lists what there is.
    """
    label, _, model_name = name.partition(".")
    labels = sorted(one.label for one in apps.get_app_configs())
    if label not in labels:
        raise WrongUsageError(f"--module {name!r}: there is no app {label!r}, but {_and(labels)}.")
    if not model_name:
        return label, None
    try:
        return label, apps.get_model(label, model_name)
    except LookupError:
        known = sorted(one.__name__ for one in apps.get_app_config(label).get_models())
        raise WrongUsageError(
            f"--module {name!r}: {label} has no model {model_name!r}, "
            + (f"but {_and(known)}." if known else "nor any other.")
        ) from None


def _and(names: Sequence[str]) -> str:
    return ", ".join(names)
