"""Whose the rows of a model are, as far as the site has said so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models

from django_system_ops.conf import get_conf
from django_system_ops.services.tenants import Tenants, of_tenants, tenant_model

__all__ = ["Kind", "Model", "Ownership", "concrete", "generic_keys", "known_models"]
__all__ += ["ownership_problems"]

Model = type[models.Model]

_PLACE = "MANAGEMENT_COMMANDS['tenant_moves']"


class Kind(Enum):
    """Whose rows are."""

    TENANT = "a tenant's"
    SHARED = "shared"
    LEFT = "left where they are"
    THE_TENANT = "the tenants themselves"


@dataclass(frozen=True)
class Ownership:
    """
    Whose the rows of a model are.

    Attributes:
        path: the way to the tenant; empty where it goes over a generic key.
        head: the field at the beginning of that way.
        generic: the generic key that says whose a row is; empty for most.
        key: what tells one row from another in whichever tenant.
    """

    kind: Kind
    path: str = ""
    head: str = ""
    generic: str = ""
    key: tuple[str, ...] = ()

    def rows(self, model: Model, tenants: Tenants, using: str) -> "models.QuerySet[Any]":
        """Return the tenants' rows; where only the rows can say whose they are, all."""
        rows = model._base_manager.using(using).order_by()
        return rows.filter(of_tenants(model, self.path, tenants)) if self.path else rows


def known_models() -> dict[Model, Ownership]:
    """
    Return all models of which the site has said whose their rows are.

    Tables of links that Django made belong to whom their many-to-many field does, and parents
    and children by inheritance to whom the other one does.

    Raises:
        ImproperlyConfigured: what is said contradicts itself, or a model is not there.
    """
    for _, text, _ in ownership_problems():
        raise ImproperlyConfigured(text)
    found = _declared()
    tenant = tenant_model()
    if tenant is not None:
        found[concrete(tenant)] = Ownership(Kind.THE_TENANT)
    if apps.is_installed("django.contrib.contenttypes"):
        found.setdefault(apps.get_model("contenttypes.ContentType"), Ownership(Kind.SHARED))
    _add_relatives(found)
    for model, owner in list(found.items()):
        if owner.kind is Kind.TENANT:
            found.update(_link_tables(model, owner, found))
    return found


def ownership_problems() -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong, as the id of a check, a sentence and the way out."""
    conf = get_conf()
    typed: dict[Model, tuple[str, str]] = {}
    for name, kind in conf.data.types.items():
        try:
            model = concrete(apps.get_model(kind.model))
        except (LookupError, ValueError):
            continue  # E050 says it
        first, path = typed.setdefault(model, (name, kind.tenant))
        if path != kind.tenant:
            yield (
                "E083",
                f"MANAGEMENT_COMMANDS['data']['types']: {first!r} and {name!r} do not agree whose "
                f"the rows of {kind.model} are: {path or 'shared'!r} and "
                f"{kind.tenant or 'shared'!r}.",
                "Write the same way to the tenant for both.",
            )
    said: dict[Model, str] = {}
    for section in ("shared", "generic", "leave"):
        for label in getattr(conf.tenant_moves, section):
            yield from _problems_of(section, label, typed, said)
    for label, key in conf.tenant_moves.generic.items():
        known = [one.name for one in generic_keys(_model_or_none(label))]
        if _model_or_none(label) is not None and key not in known:
            yield (
                "E081",
                f"{_PLACE}['generic']: {label} has no generic foreign key {key!r}.",
                f"It has {', '.join(known) or 'none'}.",
            )


def concrete(model: Model) -> Model:
    """Return the model that has the table: of a proxy the one behind it."""
    return model._meta.concrete_model or model


def generic_keys(model: Model | None) -> list[Any]:
    """Return the generic foreign keys that stand in the table of a model."""
    if model is None or not apps.is_installed("django.contrib.contenttypes"):
        return []
    from django.contrib.contenttypes.fields import GenericForeignKey

    return [
        one
        for one in model._meta.private_fields
        if isinstance(one, GenericForeignKey)
        and concrete(model._meta.get_field(one.fk_field).model) is concrete(model)
    ]


def _problems_of(
    section: str, label: str, typed: Mapping[Model, tuple[str, str]], said: dict[Model, str]
) -> Iterator[tuple[str, str, str]]:
    model = _model_or_none(label)
    if model is None:
        yield (
            "E080",
            f"{_PLACE}['{section}']: there is no model {label!r}.",
            "Write it as 'app.Model'.",
        )
        return
    if model in typed and (typed[model][1] or section != "shared"):
        name, path = typed[model]
        whose = f"a tenant's by {path!r}" if path else "shared"
        yield (
            "E082",
            f"{_PLACE}['{section}'] names {label}, and the type {name!r} of data says that its "
            f"rows are {whose}.",
            "Leave it out of one of them.",
        )
    if said.setdefault(model, section) != section:
        yield (
            "E084",
            f"{_PLACE}: {label} is in {said[model]!r} and in {section!r}.",
            "Leave it out of one of them.",
        )


def _declared() -> dict[Model, Ownership]:
    conf = get_conf()
    found: dict[Model, Ownership] = {}
    for kind in conf.data.types.values():
        model = concrete(apps.get_model(kind.model))
        before = found.get(model)
        key = before.key if before is not None and before.key else tuple(kind.key)
        found[model] = (
            Ownership(Kind.SHARED)
            if kind.shared
            else Ownership(Kind.TENANT, kind.tenant, kind.tenant.partition("__")[0], key=key)
        )
    for label in conf.tenant_moves.shared:
        found[concrete(apps.get_model(label))] = Ownership(Kind.SHARED)
    for label in conf.tenant_moves.leave:
        found[concrete(apps.get_model(label))] = Ownership(Kind.LEFT)
    for label, key_name in conf.tenant_moves.generic.items():
        found[concrete(apps.get_model(label))] = Ownership(Kind.TENANT, generic=key_name)
    return found


def _add_relatives(found: dict[Model, Ownership]) -> None:
    """Add the other parts of rows that stand in several tables: multi-table inheritance."""
    for model, owner in list(found.items()):
        for parent, link in model._meta.parents.items():
            above = concrete(parent)
            if link is None or above in found:
                continue
            if owner.kind is not Kind.TENANT or _stands_in(model, owner.head, above):
                found[above] = replace(owner, key=())
    for model in apps.get_models():
        for parent, link in model._meta.parents.items():
            if link is None or concrete(model) is not model or model in found:
                continue
            if (above_owner := found.get(concrete(parent))) is not None:
                path = f"{link.name}__{above_owner.path}" if above_owner.path else ""
                found[model] = replace(above_owner, path=path, head=link.name, key=())


def _stands_in(model: Model, name: str, above: Model) -> bool:
    try:
        return concrete(model._meta.get_field(name).model) is above
    except FieldDoesNotExist:
        return False


def _link_tables(
    model: Model, owner: Ownership, found: Mapping[Model, Ownership]
) -> dict[Model, Ownership]:
    tables = {}
    for field in model._meta.local_many_to_many:
        through: Any = field.remote_field.through
        if through._meta.auto_created and through not in found:
            head = field.m2m_field_name()
            path = f"{head}__{owner.path}" if owner.path else ""
            tables[through] = Ownership(Kind.TENANT, path, head)
    return tables


def _model_or_none(label: str) -> Model | None:
    try:
        return concrete(apps.get_model(label))
    except (LookupError, ValueError):
        return None
