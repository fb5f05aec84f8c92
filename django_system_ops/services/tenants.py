"""Whose data is meant: the tenants that ``--tenant`` names, and the rows that are theirs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, models

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import WrongUsageError

__all__ = ["ALL", "Tenants", "of_tenants", "resolve_tenants", "tenant_model", "tenant_path_problem"]

#: The word for every tenant.
ALL = "all"

_MOST_NAMES = 20


@dataclass(frozen=True)
class Tenants:
    """
    Whose data is meant.

    Attributes:
        names: as the tenants have them; empty when all are meant.
        pks: of these tenants, in the same order.
    """

    names: tuple[str, ...] = ()
    pks: tuple[Any, ...] = ()

    @property
    def is_all(self) -> bool:
        """Return whether nobody in particular is meant: no row is left out."""
        return not self.names

    def __str__(self) -> str:
        return ", ".join(self.names) or ALL


def tenant_model() -> type[models.Model] | None:
    """
    Return the site's model of tenants; None where it has none.

    Raises:
        ImproperlyConfigured: the setting names a model or a field that does not exist.
    """
    conf = get_conf().tenants
    if not conf.model:
        return None
    place = "MANAGEMENT_COMMANDS['tenants']"
    try:
        model = apps.get_model(conf.model)
        model._meta.get_field(conf.name_field)
    except (LookupError, ValueError):
        raise ImproperlyConfigured(
            f"{place}['model']: there is no model {conf.model!r}. Write it as 'app.Model'."
        ) from None
    except FieldDoesNotExist:
        raise ImproperlyConfigured(
            f"{place}['name_field']: {conf.model} has no field {conf.name_field!r}."
        ) from None
    return model


def resolve_tenants(text: str | None, *, using: str = DEFAULT_DB_ALIAS) -> Tenants:
    """
    Return the tenants that ``--tenant`` names: one, several with commas between, or ``all``.

    None means the same as ``all``.

    Raises:
        WrongUsageError: there is no tenant of a name, or the site has no tenants.
        ImproperlyConfigured: the setting ``tenants`` is wrong.
    """
    if text is None:
        return Tenants()
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(names):
        raise WrongUsageError(f"--tenant {text!r}: a name is empty. Write a name, or all.")
    if ALL in names:
        if len(names) > 1:
            raise WrongUsageError(f"--tenant {text!r}: either all, or names.")
        return Tenants()
    model = tenant_model()
    if model is None:
        raise WrongUsageError(
            f"--tenant {text!r}: the site has no tenants. Name their model in "
            "MANAGEMENT_COMMANDS['tenants']['model'], or leave --tenant out."
        )
    field = get_conf().tenants.name_field
    rows = model._base_manager.using(using)
    pairs = list(rows.filter(**{f"{field}__in": names}).values_list(field, "pk").order_by(field))
    found: dict[str, Any] = dict(pairs)
    # MariaDB compares without regard to case: what it finds may be somebody else.
    if unknown := [name for name in names if name not in found]:
        raise WrongUsageError(_unknown(unknown, rows.values_list(field, flat=True)))
    called = Counter(name for name, _pk in pairs)
    if several := [name for name in names if called[name] > 1]:
        raise WrongUsageError(
            f"--tenant {several[0]!r}: {called[several[0]]} tenants are called that. Name a field "
            "that no two share in MANAGEMENT_COMMANDS['tenants']['name_field']."
        )
    return Tenants(tuple(names), tuple(found[name] for name in names))


def of_tenants(model: type[models.Model], path: str, tenants: Tenants) -> models.Q:
    """
    Return the condition that rows of ``model`` are those of ``tenants``.

    The path from a tenant to itself is "pk". The condition joins no table, so that what it filters
    can be locked and deleted by itself: each step of ``path`` is a subquery inside the one before.
    """
    if tenants.is_all:
        return models.Q()
    if path == "pk":
        return models.Q(pk__in=tenants.pks)
    head, _, rest = path.partition("__")
    next_model = _related_model(model, head)
    assert next_model is not None, f"{model._meta.label} has no {path!r}: ask for problems first"
    if rest:
        inner = next_model._base_manager.filter(of_tenants(next_model, rest, tenants))
    elif _holds_key(model, head):
        return models.Q(**{f"{head}__in": tenants.pks})
    else:
        # What the column holds is a name, say: the keys might be those of other tenants there.
        inner = next_model._base_manager.filter(pk__in=tenants.pks)
    return models.Q(**{f"{head}__in": inner.order_by()})


def tenant_path_problem(model: type[models.Model], path: str) -> str:
    """
    Return what is wrong with ``path`` as the way from ``model`` to its tenant, or nothing.

    Raises:
        ImproperlyConfigured: the setting ``tenants`` is wrong.
    """
    tenant = tenant_model()
    if tenant is None:
        return "MANAGEMENT_COMMANDS['tenants']['model'] does not say what a tenant is"
    current: type[models.Model] = model
    for step in path.split("__"):
        following = _related_model(current, step)
        if following is None:
            return f"{current._meta.label} has no foreign key {step!r}"
        current = following
    if current._meta.concrete_model is not tenant._meta.concrete_model:
        return f"{path!r} leads to {current._meta.label}, and tenants are {tenant._meta.label}"
    return ""


def _related_model(model: type[models.Model], step: str) -> type[models.Model] | None:
    try:
        field = model._meta.get_field(step)
    except FieldDoesNotExist:
        return None
    related = field.related_model if isinstance(field, models.ForeignKey) else None
    return related if isinstance(related, type) else None


def _holds_key(model: type[models.Model], step: str) -> bool:
    """Return whether a foreign key holds primary keys, and not what its ``to_field`` names."""
    field = model._meta.get_field(step)
    return isinstance(field, models.ForeignKey) and field.target_field.primary_key


def _unknown(unknown: list[str], names: Iterable[str]) -> str:
    # One more than is shown; a site may have very many.
    known: list[str] = sorted(names)
    text = f"There is no tenant {', '.join(map(repr, unknown))}."
    if close := get_close_matches(unknown[0], known, n=3):
        text += f" Did you mean {' or '.join(close)}?"
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return f"{text} Known: {', '.join(known[:_MOST_NAMES]) or 'none'}{more}."
