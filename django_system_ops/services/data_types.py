"""The kinds of data that a site has named: their models, fields and tenants."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, FieldError, ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, models

from django_system_ops.conf import get_conf
from django_system_ops.conf.data import DataTypeSettings
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.field_paths import leads_to_many
from django_system_ops.services.tenants import Tenants, of_tenants, tenant_path_problem

__all__ = ["DataType", "data_type", "data_types", "type_problems"]


@dataclass(frozen=True)
class DataType:
    """A kind of data that the site has named, and that exists."""

    name: str
    model: type[models.Model]
    conf: DataTypeSettings

    def rows(
        self, tenants: Tenants | None = None, *, using: str = DEFAULT_DB_ALIAS
    ) -> models.QuerySet[Any]:
        """
        Return the rows that are meant: of these tenants, and as the type's filter wants them.

        Raises:
            WrongUsageError: tenants are named, and the rows are no tenant's.
        """
        every = self.model._base_manager.using(using)
        rows = every.filter(**self.conf.filter)
        if leads_to_many(self.model, self.conf.filter):
            # A row that has two of what the filter asks for is still one row.
            rows = every.filter(pk__in=rows.order_by().values("pk"))
        if tenants is None or tenants.is_all:
            return rows
        if self.conf.shared:
            raise WrongUsageError(
                f"--tenant {tenants}: {self.name} is shared by all tenants; leave --tenant out."
            )
        return rows.filter(of_tenants(self.model, self.conf.tenant, tenants))

    @property
    def fields(self) -> tuple["models.Field[Any, Any]", ...]:
        """Return the columns that go in and out, in the order of the settings or the model."""
        meta = self.model._meta
        if self.conf.fields:
            many = {one.name for one in meta.many_to_many}
            named = [name for name in self.conf.fields if name not in many]
            return tuple(meta.get_field(name) for name in named)  # type: ignore[misc]
        return tuple(meta.concrete_fields)

    @property
    def many_to_many(self) -> tuple["models.ManyToManyField[Any, Any]", ...]:
        """Return the links to other rows that go out as lists of keys, in the model's order."""
        named = self.conf.fields
        return tuple(one for one in self.model._meta.many_to_many if not named or one.name in named)


def data_type(name: str) -> DataType:
    """
    Return the kind of data that ``--type`` names.

    Raises:
        WrongUsageError: there is none of this name.
        ImproperlyConfigured: the settings name a model or a field that does not exist.
    """
    types = get_conf().data.types
    if name not in types:
        text = f"There is no data of the type {name!r}."
        if close := get_close_matches(name, types, n=1):
            text += f" Did you mean {close[0]}?"
        known = ", ".join(types) or "none; name it in MANAGEMENT_COMMANDS['data']['types']"
        raise WrongUsageError(f"{text} Known: {known}.")
    for problem in type_problems(name, types[name]):
        raise ImproperlyConfigured(problem)
    return DataType(name, apps.get_model(types[name].model), types[name])


def data_types() -> list[DataType]:
    """Return all kinds of data that the site has named, in the order of the settings."""
    return [data_type(name) for name in get_conf().data.types]


def type_problems(name: str, conf: DataTypeSettings) -> Iterator[str]:
    """Yield what does not fit the site's models, as sentences."""
    place = f"MANAGEMENT_COMMANDS['data']['types']['{name}']"
    try:
        model = apps.get_model(conf.model)
    except (LookupError, ValueError):
        yield f"{place}: there is no model {conf.model!r}. Write it as 'app.Model'."
        return
    concrete = {one.name for one in model._meta.concrete_fields}
    links = {one.name for one in model._meta.many_to_many}
    for key in ("key", "fields", "secret_fields"):
        for field in getattr(conf, key):
            if field not in (concrete if key == "key" else concrete | links):
                yield f"{place}['{key}']: {conf.model} has no field {field!r}."
    if conf.date_field and (problem := _date_problem(model, conf)):
        yield f"{place}['date_field']: {problem}."
    if conf.tenant and (problem := tenant_path_problem(model, conf.tenant)):
        yield f"{place}['tenant']: {problem}."
    try:
        model._base_manager.filter(**conf.filter)
    except (FieldError, ValueError, TypeError) as error:
        yield f"{place}['filter']: {error}"


def _date_problem(model: type[models.Model], conf: DataTypeSettings) -> str:
    try:
        found = model._meta.get_field(conf.date_field)
    except FieldDoesNotExist:
        return f"{conf.model} has no field {conf.date_field!r}"
    return "" if isinstance(found, models.DateField) else f"{conf.date_field!r} is no date"
