"""Foreign keys: the rows that a batch points at, found together, and whose they are."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from django_system_ops.conf import get_conf
from django_system_ops.services.data_types import data_types
from django_system_ops.services.importing.cleaning import REFUSALS, Cleaner, Cleaning
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.tenants import tenant_model

__all__ = ["Found", "Reference", "Wanted", "tenant_path_of"]

#: A field of the other model, and the value it has to have.
Wanted = tuple[str, Any]
#: What the foreign key stores, and the key of the tenant whose the row is; None if nobody's.
Found = tuple[Any, Any]

_MOST_REMEMBERED = 20_000
_AT_ONCE = 500


class Reference:
    """
    A foreign key of the rows that come in.

    Attributes:
        path: the way from the other model to its tenant; "" for the tenant itself, None where
            its rows are nobody's.
        is_own: whether it leads to the model itself, so that its rows may be in the same file.
    """

    def __init__(
        self, field: "models.ForeignKey[Any, Any]", lookup: str, order: Order, cleaning: Cleaning
    ) -> None:
        self.field = field
        self.attname = field.attname
        self.model: type[models.Model] = field.remote_field.model
        self._target = field.target_field
        self.path = tenant_path_of(self.model, field, order)
        self.is_own = self.model._meta.concrete_model is order.model._meta.concrete_model
        self._order = order
        self._ways: list[tuple[str, Cleaner]] = []
        names = [lookup] if lookup else [self._target.name, *_natural_key(self.model)]
        for name in dict.fromkeys(names):
            one: models.Field[Any, Any] = self.model._meta.get_field(name)  # type: ignore[assignment]  # fields only
            self._ways.append((name, cleaning.of(one)))
        self._memory: dict[Wanted, tuple[Found, ...]] = {}

    @property
    def target_attname(self) -> str:
        """Return the attribute of the other model that the foreign key stores."""
        return str(self._target.attname)

    @property
    def ways(self) -> tuple[str, ...]:
        """Return the fields of the other model by which its rows are found."""
        return tuple(name for name, _clean in self._ways)

    def wanted(self, value: Any) -> Wanted | None:
        """
        Return what a value of the file asks for: the first way in which it can be meant.

        Raises: one of ``REFUSALS``.
        """
        if value is None:
            if not self.field.null:
                raise ValueError("it leads nowhere, and has to lead somewhere.")
            return None
        if isinstance(value, bool | list | dict):
            raise ValueError("it is no key of a row.")
        first: Exception | None = None
        for name, clean in self._ways:
            try:
                return name, clean(value)
            except REFUSALS as error:
                first = first or error
        assert first is not None
        raise first

    def find(self, wanted: Iterable[Wanted]) -> dict[Wanted, tuple[Found, ...]]:
        """
        Return the rows that are there; one query for each way and 500 keys.

        Several have one value where it is unique in each tenant only.
        """
        asked = set(wanted)
        known = {one: self._memory[one] for one in asked if one in self._memory}
        missing: dict[str, list[Any]] = {}
        for name, value in asked - known.keys():
            missing.setdefault(name, []).append(value)
        for name, values in missing.items():
            for start in range(0, len(values), _AT_ONCE):
                known |= self._ask(name, values[start : start + _AT_ONCE])
        # Rows of the own model come in meanwhile, with names that others have already.
        if not self.is_own:
            if len(self._memory) > _MOST_REMEMBERED:
                self._memory.clear()
            self._memory |= known
        return known

    def _ask(self, name: str, values: list[Any]) -> dict[Wanted, tuple[Found, ...]]:
        rows = self.model._base_manager.using(self._order.using).filter(**{f"{name}__in": values})
        if limit := self.field.get_limit_choices_to():
            rows = rows.complex_filter(limit)
        columns = [name, self._target.attname]
        if self.path is not None:
            columns.append(f"{self.path}__pk" if self.path else "pk")
        found: dict[Wanted, tuple[Found, ...]] = {(name, value): () for value in values}
        for key, target, *tenant in rows.order_by().values_list(*columns):
            # MariaDB compares without regard to case: what it finds may be somebody else.
            if (name, key) in found:
                found[name, key] += ((target, tenant[0] if tenant else None),)
        return {one: rows for one, rows in found.items() if rows}


def tenant_path_of(
    model: type[models.Model], field: "models.ForeignKey[Any, Any]", order: Order
) -> str | None:
    """
    Return the way from the model behind a foreign key to its tenant; None where there is none.

    The type's own way goes first, then that of a type of this model, then its only foreign key to
    a tenant, so that a row does not come to point at another tenant's for want of a setting.
    """
    tenant = tenant_model()
    if tenant is None or order.kind.conf.shared:
        return None
    concrete = model._meta.concrete_model
    if concrete is tenant._meta.concrete_model:
        return ""
    head, _, rest = order.kind.conf.tenant.partition("__")
    if head == field.name and rest and field.model is order.model:
        return rest
    for kind in data_types():
        if kind.model._meta.concrete_model is concrete and kind.conf.tenant:
            return kind.conf.tenant
    own = [
        one.name
        for one in model._meta.concrete_fields
        if isinstance(one, models.ForeignKey)
        and one.remote_field.model._meta.concrete_model is tenant._meta.concrete_model
    ]
    return own[0] if len(own) == 1 else None


def _natural_key(model: type[models.Model]) -> list[str]:
    """Return the one field by which the settings know rows of a model, if there is one."""
    tenant = tenant_model()
    if tenant is not None and model._meta.concrete_model is tenant._meta.concrete_model:
        return [get_conf().tenants.name_field]
    for kind in data_types():
        if kind.model._meta.concrete_model is model._meta.concrete_model:
            return [kind.conf.key[0]] if len(kind.conf.key) == 1 else []
    return []
