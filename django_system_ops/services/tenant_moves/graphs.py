"""Which tables take part, what points at what, and in which order rows can be written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.apps import apps
from django.db import models

from django_system_ops.engine.cascading import Link as Arrow
from django_system_ops.engine.cascading import children_first
from django_system_ops.exceptions import TenantMoveError
from django_system_ops.services.tenant_moves.ownership import (
    Kind,
    Model,
    Ownership,
    concrete,
    generic_keys,
)

__all__ = ["Generic", "Graph", "Link", "Node", "graph_of"]

_CASCADES = {models.CASCADE, getattr(models, "DB_CASCADE", models.CASCADE)}


@dataclass(frozen=True)
class Link:
    """
    A foreign key of a model that takes part.

    Attributes:
        owner: whose what it points at is.
        is_needed: whether a row cannot be without it, or would be nobody's.
        is_inherited: whether the row is the rest of the one that it points at.
    """

    model: Model
    field: "models.ForeignKey[Any, Any]"
    target: Model
    owner: Ownership
    is_needed: bool
    is_inherited: bool

    @property
    def name(self) -> str:
        """Return the column's name in Python."""
        return self.field.attname

    @property
    def column(self) -> str:
        """Return what it holds of its target."""
        return self.field.target_field.attname

    @property
    def holds_key(self) -> bool:
        """Return whether that is the primary key."""
        return self.field.target_field.primary_key


@dataclass(frozen=True)
class Generic:
    """A generic foreign key; ``says_whose`` where the row belongs to whom its target does."""

    model: Model
    name: str
    kind: str
    number: str
    is_nullable: bool
    says_whose: bool

    @property
    def field(self) -> "models.Field[Any, Any]":
        """Return the field of the key's number."""
        return cast("models.Field[Any, Any]", self.model._meta.get_field(self.number))

    def held(self, key: Any) -> Any:
        """Return what the column holds for a row of this primary key; None if it can hold none."""
        is_text = isinstance(self.field, models.CharField | models.TextField)
        if is_text:
            return str(key)
        # What no integer can be is the key of no row here.
        return key if isinstance(key, int) else None


@dataclass(eq=False)
class Node:
    """
    A model that takes part.

    Attributes:
        is_whole: whether what depends on its rows goes along.
        links, generics: what its rows point at.
        below: what depends on its rows, and is owned with them.
        loose: columns that are set when all rows are there: they close a circle.
    """

    model: Model
    owner: Ownership
    is_whole: bool = False
    links: list[Link] = field(default_factory=list)
    generics: list[Generic] = field(default_factory=list)
    below: list[Link] = field(default_factory=list)
    loose: set[str] = field(default_factory=set)

    @property
    def label(self) -> str:
        """Return its name."""
        return self.model._meta.label

    @property
    def fields(self) -> "list[models.Field[Any, Any]]":
        """Return its own columns that can be written."""
        return [
            one
            for one in self.model._meta.local_concrete_fields
            if not getattr(one, "generated", False)
        ]

    @property
    def files(self) -> "list[models.FileField]":
        """Return its fields of files."""
        return [one for one in self.fields if isinstance(one, models.FileField)]

    @property
    def names(self) -> list[str]:
        """Return the names of its columns in Python."""
        return [one.attname for one in self.fields]

    @property
    def pk(self) -> "models.Field[Any, Any]":
        """Return its primary key."""
        return self.model._meta.pk

    def key_of(self, text: str) -> Any:
        """Return a primary key that was written down as text."""
        found: Any = self.pk
        while isinstance(found, models.ForeignKey):
            found = found.target_field
        return found.to_python(text)


@dataclass(eq=False)
class Graph:
    """
    All that takes part.

    Attributes:
        nodes: by model.
        order: each model after those that its rows need.
        types: the model behind each content type of the database.
        generics: the generic keys of all models whose rows are a tenant's, here or not.
        strangers: models with a generic key of which the site has not said whose they are.
    """

    nodes: dict[Model, Node]
    known: Mapping[Model, Ownership]
    types: Mapping[int, Model]
    generics: list[Generic] = field(default_factory=list)
    strangers: list[Generic] = field(default_factory=list)
    order: Sequence[Node] = ()

    def types_of(self, model: Model) -> list[int]:
        """Return the content types of a model: its own, and those of its proxies."""
        return [key for key, one in self.types.items() if one is model]

    def by_label(self, label: str) -> Node:
        """Return the node of a model's name."""
        return self.nodes[apps.get_model(label)]


def graph_of(
    seeds: Sequence[Model], known: Mapping[Model, Ownership], *, is_move: bool, using: str
) -> Graph:
    """
    Return what takes part when rows of ``seeds`` go to another tenant.

    Raises:
        TenantMoveError: nobody has said whose rows of a model are, or rows need each other in a
            circle.
    """
    graph = Graph({}, known, _content_types(using))
    graph.generics = [
        _generic(model, one, owner)
        for model, owner in known.items()
        if owner.kind is Kind.TENANT
        for one in generic_keys(model)
    ]
    waiting = [(model, True) for model in seeds]
    waiting += [(model, True) for model, owner in known.items() if owner.generic]
    while waiting:
        model, is_whole = waiting.pop()
        node = graph.nodes.setdefault(model, Node(model, known[model]))
        if not node.links and not node.generics:
            _refuse_key(node)
            node.links = list(_links_of(node, known))
            if is_move:
                _refuse_to_move(node)
            node.generics = [_generic(node.model, one, node.owner) for one in generic_keys(model)]
            waiting += [
                (link.target, is_move or link.is_inherited)
                for link in node.links
                if link.owner.kind is Kind.TENANT and link.is_needed
            ]
        if is_whole and not node.is_whole:
            node.is_whole = True
            node.below = list(_below(node, known))
            waiting += [(link.model, True) for link in node.below]
            waiting += [
                (link.target, True)
                for link in node.links
                if link.owner.kind is Kind.TENANT and link.is_needed and link.is_inherited
            ]
    graph.strangers = [
        _generic(model, one, Ownership(Kind.TENANT))
        for model in apps.get_models(include_auto_created=True)
        if model not in known and concrete(model) is model and model._meta.managed
        for one in generic_keys(model)
    ]
    _put_in_order(graph, using)
    return graph


def _links_of(node: Node, known: Mapping[Model, Ownership]) -> Iterator[Link]:
    for one in node.fields:
        if not isinstance(one, models.ForeignKey):
            continue
        target = concrete(one.related_model)
        owner = known.get(target)
        if owner is None:
            raise TenantMoveError(
                f"{node.label}.{one.name} points at {target._meta.label}, and nobody has said "
                f"whose its rows are. {_way_out(target)}"
            )
        is_inherited = one in node.model._meta.parents.values()
        is_needed = not one.null or one.name == node.owner.head or is_inherited
        yield Link(node.model, one, target, owner, is_needed, is_inherited)


def _below(node: Node, known: Mapping[Model, Ownership]) -> Iterator[Link]:
    for relation in node.model._meta.get_fields(include_hidden=True):
        is_back = relation.auto_created and not relation.concrete
        if not is_back or not (relation.one_to_one or relation.one_to_many):
            continue
        pointer: Any = relation.field  # type: ignore[union-attr]  # a reverse relation has one
        child = concrete(pointer.model)
        if concrete(pointer.related_model) is not node.model or pointer.model is not child:
            continue  # its parent's, or a proxy's: they have it themselves
        cascades = pointer.remote_field.on_delete in _CASCADES
        owner = known.get(child)
        if owner is None and cascades:
            raise TenantMoveError(
                f"{child._meta.label}.{pointer.name} hangs on {node.label}, and nobody has said "
                f"whose its rows are. {_way_out(child)}"
            )
        if owner is None or owner.kind is not Kind.TENANT:
            continue
        if cascades or owner.head == pointer.name:
            is_inherited = pointer in child._meta.parents.values()
            yield Link(child, pointer, node.model, node.owner, True, is_inherited)


def _way_out(model: Model) -> str:
    hint = ", in ['tenant_moves']['leave'] if they stay where they are"
    if generic_keys(model):
        hint = ", in ['tenant_moves']['generic'] if they belong to what they point at" + hint
    return (
        f"Name {model._meta.label} in MANAGEMENT_COMMANDS['data']['types'] with its way to the "
        f"tenant, in ['tenant_moves']['shared'] if they are no tenant's{hint}."
    )


def _generic(model: Model, key: Any, owner: Ownership) -> Generic:
    kind: Any = model._meta.get_field(key.ct_field)
    number: Any = model._meta.get_field(key.fk_field)
    is_nullable = bool(number.null)
    return Generic(
        model, key.name, kind.attname, number.attname, is_nullable, owner.generic == key.name
    )


def _content_types(using: str) -> dict[int, Model]:
    if not apps.is_installed("django.contrib.contenttypes"):
        return {}
    from django.contrib.contenttypes.models import ContentType

    # Never get_for_model: it would make what is missing.
    found = ContentType.objects.using(using).order_by("pk")
    return {one.pk: concrete(model) for one in found if (model := one.model_class()) is not None}


def _refuse_key(node: Node) -> None:
    if len(getattr(node.model._meta, "pk_fields", [node.pk])) > 1:
        raise TenantMoveError(
            f"{node.label} has a primary key of several columns: its rows cannot go along. Name it "
            "in MANAGEMENT_COMMANDS['tenant_moves']['leave'], and see to them yourself."
        )


def _refuse_to_move(node: Node) -> None:
    for link in node.links:
        if link.owner.kind is Kind.THE_TENANT and link.field.primary_key:
            raise TenantMoveError(
                f"{node.label}: the tenant is its primary key, which no row can change. Copy it "
                "with --mode=copy, and remove the old row yourself."
            )


def _put_in_order(graph: Graph, using: str) -> None:
    arrows = [arrow for node in graph.nodes.values() for arrow in _arrows(node, graph, using)]
    found = children_first(list(graph.nodes), arrows)
    graph.order = [graph.nodes[model] for model in reversed(found.nodes)]
    for arrow in found.loose:
        graph.nodes[arrow.child].loose.add(arrow.name)
    place = {node.model: n for n, node in enumerate(graph.order)}
    for arrow in arrows:
        is_loose = arrow.name in graph.nodes[arrow.child].loose
        if not is_loose and place[arrow.parent] > place[arrow.child]:
            raise TenantMoveError(
                f"{arrow.child._meta.label}.{arrow.name} and {arrow.parent._meta.label} need each "
                "other in a circle, so that neither can be there first. Let one of them be NULL."
            )


def _arrows(node: Node, graph: Graph, using: str) -> Iterator[Arrow[Model]]:
    for link in node.links:
        if link.target in graph.nodes:
            # Without its way to the tenant a row would be nobody's until the circle is closed.
            yield Arrow(node.model, link.target, link.name, not link.is_needed)
    for generic in node.generics:
        rows = node.model._base_manager.using(using).order_by()
        for key in rows.values_list(generic.kind, flat=True).distinct():
            if (target := graph.types.get(key)) in graph.nodes:
                yield Arrow(node.model, target, generic.number, generic.is_nullable)
