"""In which order models are filled, whose their rows are, and what has to be there first."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models

from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.data_types import data_types
from django_system_ops.services.tenants import Tenants, of_tenants, tenant_model
from django_system_ops.services.test_data.rules import rules_of

__all__ = ["Plan", "plan_for"]

_DEEPEST = 5
# Parents that nobody asked for: one for so many rows, within bounds.
_ROWS_PER_PARENT, _MOST_PARENTS = 20, 1000


@dataclass
class Plan:
    """
    What to make.

    Attributes:
        counts: how many rows of each model, in an order in which each finds what it points at.
        paths: the way from a model to its tenant; "pk" for tenants themselves, "" for nobody's.
        added: models that nobody asked for and others need.
        left_out: models that are no tenant's, where a tenant was named.
    """

    counts: dict[Any, int]
    paths: dict[Any, str] = field(default_factory=dict)
    added: list[Any] = field(default_factory=list)
    left_out: list[Any] = field(default_factory=list)


def plan_for(
    wanted: dict[Any, int], tenants: Tenants, *, using: str, is_named: bool = False
) -> Plan:
    """
    Return what has to be made for ``wanted``.

    Raises:
        WrongUsageError: a model cannot be filled, or has no tenant where one is named.
    """
    plan = Plan(dict(wanted))
    for model in wanted:
        _refuse(model)
        _path(model, plan)
    if not tenants.is_all:
        _leave_out_what_is_nobodys(plan, tenants, is_named=is_named)
    waiting = list(plan.counts)
    while waiting:
        model = waiting.pop()
        for target in _required(model):
            if target in plan.counts or _is_there(target, tenants, plan, using):
                continue
            _refuse(target)
            plan.counts[target] = _parents_of(model, target, plan.counts[model])
            plan.added.append(target)
            waiting.append(target)
    plan.counts = {model: plan.counts[model] for model in _in_order(plan.counts)}
    for model in plan.counts:
        for one in _keys(model):
            _path(one.related_model, plan)
    return plan


def _leave_out_what_is_nobodys(plan: Plan, tenants: Tenants, *, is_named: bool) -> None:
    for model in [one for one in plan.counts if plan.paths[one] in ("", "pk")]:
        if is_named:
            raise WrongUsageError(
                f"--tenant {tenants}: {model._meta.label} is no tenant's; leave --tenant out."
            )
        del plan.counts[model]
        plan.left_out.append(model)
    if not plan.counts:
        raise WrongUsageError(f"--tenant {tenants}: nothing of this scenario is a tenant's.")


def _parents_of(model: Any, target: Any, count: int) -> int:
    """Return how many rows of ``target`` there should be for ``count`` that point at them."""
    if any(one.related_model is target and one.unique for one in _keys(model)):
        return count
    in_pairs = {name for names in rules_of(model).pairs for name in names}
    if any(one.related_model is target and one.name in in_pairs for one in _keys(model)):
        return min(_MOST_PARENTS, count)
    return max(1, min(_MOST_PARENTS, -(-count // _ROWS_PER_PARENT)))


def _refuse(model: type[models.Model]) -> None:
    meta = model._meta
    if meta.proxy or not meta.managed or meta.swapped:
        raise WrongUsageError(f"{meta.label} has no table of its own that could be filled.")
    if any(isinstance(parent, type) for parent in meta.parents):
        raise WrongUsageError(
            f"{meta.label} inherits from {next(iter(meta.parents))._meta.label}, and its rows are "
            "in two tables: make rows of the other one."
        )


def _keys(model: Any) -> list[Any]:
    return [
        one
        for one in model._meta.concrete_fields
        if isinstance(one, models.ForeignKey) and one.related_model is not model
    ]


def _required(model: Any) -> Iterable[Any]:
    for one in _keys(model):
        if not one.null and one.related_model is not ContentType:
            yield one.related_model
    for one in model._meta.concrete_fields:
        if isinstance(one, models.ForeignKey) and one.related_model is model and not one.null:
            raise WrongUsageError(
                f"{model._meta.label}.{one.name} points at another row of the same table and may "
                "not be empty: nobody could make the first one."
            )


def _is_there(model: Any, tenants: Tenants, plan: Plan, using: str) -> bool:
    """Return whether there is a row to point at, for each tenant that is meant."""
    rows = model._base_manager.using(using)
    path = _path(model, plan)
    if path == "pk":
        return bool(not tenants.is_all or rows.exists())
    if not path:
        return bool(rows.exists())
    if tenants.is_all:
        return bool(rows.filter(**{f"{path}__isnull": False}).exists())
    return all(
        rows.filter(of_tenants(model, path, Tenants((name,), (pk,)))).exists()
        for name, pk in zip(tenants.names, tenants.pks, strict=True)
    )


def _path(model: Any, plan: Plan) -> str:
    if model not in plan.paths:
        plan.paths[model] = _find_path(model)
    return plan.paths[model]


def _find_path(model: Any) -> str:
    """
    Return the way to the tenant: what the settings say, else the shortest that no row lacks.

    Where each may be empty, rows where it is belong to nobody, and nobody points at them.
    """
    tenant = tenant_model()
    if tenant is None:
        return ""
    if model is tenant:
        return "pk"
    for one in data_types():
        if one.model is model:
            return one.conf.tenant
    ways = _ways(model, tenant, may_be_empty=False) or _ways(model, tenant, may_be_empty=True)
    if len(ways) > 1:
        raise WrongUsageError(
            f"{model._meta.label}: {' and '.join(sorted(ways))} lead to a tenant, and nobody can "
            "know which one is the owner: name the model in MANAGEMENT_COMMANDS['data']['types'], "
            "with 'tenant' or 'shared'."
        )
    return ways[0] if ways else ""


def _ways(model: Any, tenant: Any, *, may_be_empty: bool) -> list[str]:
    """Return the shortest ways to the tenant; those alone whose end is required, if there are."""
    ways: list[tuple[Any, str]] = [(model, "")]
    seen = {model}
    for _depth in range(_DEEPEST):
        found: dict[bool, list[str]] = {}
        following: dict[Any, list[str]] = {}
        for current, way in ways:
            for one in _keys(current):
                step = f"{way}__{one.name}" if way else one.name
                if one.related_model is tenant:
                    found.setdefault(one.null, []).append(step)
                elif one.related_model not in seen and (may_be_empty or not one.null):
                    following.setdefault(one.related_model, []).append(step)
        if found:
            return found.get(False) or found[True]
        seen.update(following)
        # Of a second way it has to be known that there is one, and of no more.
        ways = [(target, step) for target, steps in following.items() for step in steps[:2]]
    return []


def _in_order(found: Iterable[Any]) -> list[Any]:
    """Return models, each behind those that it points at; those that may point anywhere last."""
    waiting = sorted(found, key=lambda model: bool(model._meta.private_fields))
    ordered: list[Any] = []
    while waiting:
        ready = [
            model
            for model in waiting
            if not any(one.related_model in waiting for one in _keys(model))
        ]
        if not ready:
            # A circle: it is broken where a key may be empty.
            ready = [
                model
                for model in waiting
                if not any(one.related_model in waiting and not one.null for one in _keys(model))
            ][:1]
        if not ready:
            names = ", ".join(model._meta.label for model in waiting)
            raise WrongUsageError(f"{names} point at each other: nobody could make the first row.")
        ordered.append(ready[0])
        waiting.remove(ready[0])
    return ordered
