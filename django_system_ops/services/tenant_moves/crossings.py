"""Links from rows of one tenant to rows of the other, wherever they come from."""

from collections.abc import Iterator
from typing import Any

from django_system_ops.services.tenant_moves.boundaries import keys_of
from django_system_ops.services.tenant_moves.graphs import Generic, Graph, Node
from django_system_ops.services.tenant_moves.holdings import Holdings
from django_system_ops.services.tenant_moves.ownership import Kind, Model
from django_system_ops.services.tenants import Tenants

__all__ = ["links_across"]


def links_across(
    graph: Graph, one: Tenants, other: Tenants, *, using: str, batch_size: int
) -> Iterator[str]:
    """
    Yield which links lead from rows of one tenant to rows of the other, or back.

    Foreign keys are those of the models that take part; generic keys, those of all.
    """
    for here, there in ((one, other), (other, one)):
        for node in graph.order:
            yield from _by_foreign_keys(node, here, there, using)
        for generic in graph.generics:
            if not generic.says_whose:  # that is the way itself
                yield from _by_generic_key(graph, generic, here, there, using, batch_size)


def _by_foreign_keys(node: Node, here: Tenants, there: Tenants, using: str) -> Iterator[str]:
    if not node.owner.path:
        return
    for link in node.links:
        if link.owner.kind is not Kind.TENANT or not link.owner.path:
            continue
        if link.field.name == node.owner.head:
            continue  # it is the way itself
        targets = link.owner.rows(link.target, there, using).values(link.column)
        rows = node.owner.rows(node.model, here, using)
        wrong = rows.filter(**{f"{link.name}__in": targets})
        if count := wrong.count():
            first = wrong.order_by("pk").values_list("pk", flat=True)[0]
            yield _sentence(count, node.model, here, first, link.target, there, link.field.name)


def _by_generic_key(
    graph: Graph, generic: Generic, here: Tenants, there: Tenants, using: str, batch_size: int
) -> Iterator[str]:
    """Ask page by page: the database cannot compare a text with a key of another type."""
    owner = graph.known[generic.model]
    if not owner.path:
        return
    holdings = Holdings(graph, there, using=using)
    rows = owner.rows(generic.model, here, using).order_by("pk")
    kinds = rows.order_by().values_list(generic.kind, flat=True).distinct()
    for target in {graph.types[kind] for kind in kinds if kind in graph.types}:
        whose = graph.known.get(target)
        if whose is None or whose.kind is not Kind.TENANT:
            continue
        pointing = rows.filter(
            **{f"{generic.kind}__in": graph.types_of(target), f"{generic.number}__isnull": False}
        ).values_list("pk", generic.number)
        count, first = 0, None
        page = list(pointing[:batch_size])
        while page:
            keys = keys_of(target, [number for _, number in page])
            found = holdings.among(target, keys.values())
            wrong = [key for key, number in page if keys.get(number) in found]
            first = wrong[0] if wrong and not count else first
            count += len(wrong)
            page = list(pointing.filter(pk__gt=page[-1][0])[:batch_size])
        if count:
            yield _sentence(count, generic.model, here, first, target, there, generic.name)


def _sentence(
    count: int, model: Model, here: Tenants, first: Any, target: Model, there: Tenants, name: str
) -> str:
    return (
        f"{count:,} rows of {model._meta.label} of {here}, such as {first}, point at "
        f"{target._meta.label} of {there} by {name}"
    )
