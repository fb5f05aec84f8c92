"""
The rows of one tenant, as lines of JSON.

A tenant's rows stand in tables that others share, so no dump of tables can have them alone. What
is a tenant's the site declares (``tenant_models``); what points to it and is not declared is
warned about.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, models, transaction

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import BackupError, WrongUsageError

__all__ = ["TenantRows", "declared_models", "names_of", "tenant_named"]

_AT_ONCE = 2000


class TenantRows:
    """Writes what is a tenant's into ``sink``; :meth:`write` returns how many rows of each."""

    def __init__(self, tenant: models.Model, *, using: str) -> None:
        self._tenant, self._using = tenant, using
        self._paths = declared_models()

    def warnings(self) -> list[str]:
        """Return which models point to the tenant's rows and are not declared."""
        known = {type(self._tenant), *self._paths}
        return sorted(
            f"{model._meta.label}.{field.name} points to {field.related_model._meta.label}, and "
            f"{model._meta.label} is not in MANAGEMENT_COMMANDS['backup']['tenant_models']."
            for model in apps.get_models()
            if model not in known
            for field in model._meta.concrete_fields
            if isinstance(field, models.ForeignKey) and field.related_model in known
        )

    def write(self, sink: Callable[[bytes], object]) -> dict[str, int]:
        """
        Give the lines to ``sink``, all of one moment, and return the rows of each model.

        Raises:
            BackupError: a path leads nowhere.
        """
        counts: dict[str, int] = {}
        with _one_moment(self._using):
            for model, rows in self._querysets():
                counts[model._meta.label] = 0
                for row in rows.iterator(chunk_size=_AT_ONCE):
                    line = {"model": model._meta.label, "fields": row}
                    sink(json.dumps(line, cls=_Encoder).encode() + b"\n")
                    counts[model._meta.label] += 1
        return counts

    def _querysets(self) -> Iterator[tuple[type[models.Model], Any]]:
        own = type(self._tenant)
        yield own, self._rows(own, "pk", self._tenant.pk)
        for model, path in self._paths.items():
            yield model, self._rows(model, path, self._tenant)
            for field in model._meta.local_many_to_many:
                through: Any = field.remote_field.through
                # A table of links that is a model of its own is declared as such.
                if through._meta.auto_created:
                    there = f"{field.m2m_field_name()}__{path}"
                    yield through, self._rows(through, there, self._tenant)

    def _rows(self, model: type[models.Model], path: str, value: object) -> Any:
        names = [field.attname for field in model._meta.concrete_fields]
        try:
            rows = model._base_manager.using(self._using).filter(**{path: value})
        except FieldError as error:
            raise BackupError(
                f"MANAGEMENT_COMMANDS['backup']['tenant_models']: {model._meta.label} has no path "
                f"{path!r} to its tenant."
            ) from error
        return rows.order_by("pk").values(*names)


def tenant_named(name: str, *, using: str) -> models.Model:
    """
    Return the tenant of that name.

    Raises:
        WrongUsageError: there is none, or the site has not said what tenants are.
    """
    conf = get_conf().tenants
    if not conf.model:
        raise WrongUsageError(
            "--tenant: the site has not said what a tenant is. Set MANAGEMENT_COMMANDS['tenants']"
            "['model'] to the model of tenants."
        )
    model = _model(conf.model, "['tenants']['model']")
    found = model._base_manager.using(using).filter(**{conf.name_field: name}).first()
    if found is None:
        raise WrongUsageError(f"--tenant {name!r}: there is no such tenant.")
    return found


def declared_models() -> dict[type[models.Model], str]:
    """
    Return the models whose rows are a tenant's, with their paths to it.

    Raises:
        BackupError: none is declared, or one does not exist.
    """
    declared = get_conf().backup.tenant_models
    if not declared:
        raise BackupError(
            "The site has not said which rows are a tenant's. List each model in "
            "MANAGEMENT_COMMANDS['backup']['tenant_models'], with its path to the tenant."
        )
    return {_model(label, "['backup']['tenant_models']"): path for label, path in declared.items()}


def _model(label: str, where: str) -> type[models.Model]:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise BackupError(f"MANAGEMENT_COMMANDS{where}: there is no model {label!r}.") from error


@contextmanager
def _one_moment(using: str) -> Iterator[None]:
    """Let all statements see the database as it was at the first of them."""
    connection = connections[using]
    level = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    if connection.vendor == "mysql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(level)
    with transaction.atomic(using=using):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(level)
        yield


class _Encoder(DjangoJSONEncoder):
    """Django's encoder, and bytes."""

    def default(self, o: Any) -> Any:
        if isinstance(o, bytes | memoryview):
            return {"base64": base64.b64encode(o).decode()}
        return super().default(o)


def names_of(tenant: str) -> Sequence[str]:
    """Return the names in an option ``--tenant``; none for everybody."""
    names = [one.strip() for one in tenant.split(",") if one.strip()]
    return () if "all" in names else names
