"""What an import is asked to do, once everything that it names is found."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.core.exceptions import FieldDoesNotExist
from django.db import DEFAULT_DB_ALIAS, models

from django_system_ops.engine.backup_names import slug
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.formats import Limits
from django_system_ops.services.data_types import DataType
from django_system_ops.services.tenants import Tenants

__all__ = ["OnConflict", "Order", "importing_problem", "key_of"]

OnConflict = Literal["error", "skip", "update"]


@dataclass(frozen=True)
class Order:
    """
    What is to be done with each file.

    Attributes:
        tenants: the one whose the rows are, or all: then each row says whose it is.
        mapping: columns and their fields; "" for a column that is left out.
        key: the fields that tell whether a row is there already.
        is_strict: all rows or none; else the good ones, batch by batch.
        is_resumed, is_again: go on where a killed run has stopped; or begin anew, knowing that
            the file came in before.
        limits: how much of a file is too much.
        check: raises when the run has to end; asked before each batch.
        advance: is told how many rows were read.
    """

    kind: DataType
    now: datetime
    using: str = DEFAULT_DB_ALIAS
    tenants: Tenants = field(default_factory=Tenants)
    mapping: Mapping[str, str] = field(default_factory=dict)
    key: tuple["models.Field[Any, Any]", ...] = ()
    on_conflict: OnConflict = "error"
    is_strict: bool = True
    batch_size: int = 500
    is_resumed: bool = False
    is_again: bool = False
    is_dry_run: bool = False
    most_errors: int = 1000
    shown_errors: int = 100
    limits: Limits = field(default_factory=Limits)
    check: Callable[[], None] = lambda: None
    advance: Callable[[int], None] = lambda _rows: None

    @property
    def model(self) -> type[models.Model]:
        """Return whose rows come in."""
        return self.kind.model

    @property
    def tenant_pk(self) -> Any:
        """Return the key of the one tenant; None when each row says whose it is."""
        return None if self.tenants.is_all else self.tenants.pks[0]

    @property
    def tenant_key(self) -> str:
        """Return the tenant as checkpoints have it."""
        return "" if self.tenants.is_all else str(self.tenant_pk)

    @property
    def owner(self) -> str:
        """Return type and tenant as a file's name has them, told from any other."""
        whole = json.dumps([self.kind.name, self.tenant_key, self.using]).encode()
        words = (self.kind.name, *map(slug, self.tenants.names))
        return "-".join([*filter(None, words), hashlib.sha256(whole).hexdigest()[:8]])

    @property
    def secrets(self) -> frozenset[str]:
        """Return the fields whose values nobody is shown."""
        return frozenset(self.kind.conf.secret_fields)

    def options(self) -> dict[str, Any]:
        """Return what a run that goes on has to repeat, as JSON has it."""
        return {
            "mapping": dict(sorted(self.mapping.items())),
            "key": [one.name for one in self.key],
            "on_conflict": self.on_conflict,
        }


def key_of(kind: DataType, names: Sequence[str]) -> tuple["models.Field[Any, Any]", ...]:
    """
    Return the fields of ``--key``, or else of the type's own key.

    Raises:
        WrongUsageError: there is no such field, or its values cannot be compared.
    """
    found = []
    for name in names or kind.conf.key:
        try:
            one = kind.model._meta.get_field(name)
        except FieldDoesNotExist:
            one = None
        if not isinstance(one, models.Field) or not one.concrete or one.many_to_many:
            raise WrongUsageError(f"--key {name!r}: {kind.model._meta.label} has no such field.")
        if isinstance(one, models.JSONField | models.BinaryField):
            raise WrongUsageError(f"--key {name!r}: such values cannot be looked up.")
        found.append(one)
    return tuple(found)


def importing_problem(model: type[models.Model]) -> str:
    """Return why rows of a model cannot come in, or nothing."""
    concrete = model._meta.concrete_model or model
    parents = [one._meta.label for one in concrete._meta.parents]
    if parents:
        return (
            f"{model._meta.label} inherits from {' and '.join(parents)}, so that a row of it is "
            "one in several tables, and import_knowledge fills one"
        )
    return ""
