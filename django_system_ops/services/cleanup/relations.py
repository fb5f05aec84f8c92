"""What goes with a row: the part of the model graph that a deletion reaches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast

from django.db import models
from django.db.models import signals

from django_system_ops.engine.cascading import Link, Order, children_first

__all__ = ["Cascade", "Edge", "Effect", "Model", "Node", "cascade_of"]

Model = type[models.Model]


class Effect(Enum):
    """What becomes of rows that point at one that goes."""

    CASCADE = "cascade"
    NULL = "set to NULL"
    PROTECT = "protect"
    RESTRICT = "restrict"


# Django 6.1 lets the database do it; done by us it comes to the same, and can be counted and
# archived.
_EFFECTS: dict[object, Effect] = {
    models.CASCADE: Effect.CASCADE,
    models.SET_NULL: Effect.NULL,
    models.PROTECT: Effect.PROTECT,
    models.RESTRICT: Effect.RESTRICT,
    **{
        getattr(models, name): effect
        for name, effect in (("DB_CASCADE", Effect.CASCADE), ("DB_SET_NULL", Effect.NULL))
        if hasattr(models, name)
    },
}
_NO_EFFECT: set[object] = {models.DO_NOTHING, getattr(models, "DB_SET_DEFAULT", None)}


@dataclass(frozen=True, eq=False)
class Edge:
    """
    Rows of ``child`` that point at rows of ``parent``.

    Attributes:
        column: of the parent; what the child's field holds.
        name: the child's field.
        where: what else its rows have to meet; the content type of a generic relation.
    """

    effect: Effect
    parent: Model
    child: Model
    name: str
    column: str
    where: Mapping[str, Any] = field(default_factory=dict)
    is_nullable: bool = False

    def __str__(self) -> str:
        return f"{self.child._meta.label}.{self.name}"

    def rows(self, values: Iterable[Any], using: str) -> "models.QuerySet[models.Model]":
        """Return the child's rows that point at one of ``values``."""
        rows = self.child._base_manager.using(using).order_by()
        return rows.filter(**self.where, **{f"{self.name}__in": values})


@dataclass(eq=False)
class Node:
    """
    A model whose rows go.

    Attributes:
        columns: of a row, what has to be known to find what goes with it; the key comes first.
        edges: what points at its rows.
        ups: its parents by inheritance, each with the column that holds their key.
        files: its fields of files.
    """

    model: Model
    columns: list[str] = field(default_factory=lambda: ["pk"])
    edges: list[Edge] = field(default_factory=list)
    ups: list[tuple[Model, str]] = field(default_factory=list)
    files: list["models.FileField"] = field(default_factory=list)
    #: Whether others may be kept by its rows, so that each has to be known.
    restricts: bool = False

    @property
    def label(self) -> str:
        """Return its name."""
        return self.model._meta.label

    @property
    def is_leaf(self) -> bool:
        """Return whether its rows take nothing along: they may go without being looked at."""
        return not (self.edges or self.ups or self.files or self.restricts)

    def place(self, column: str) -> int:
        """Return where a column stands in its rows, which it is added to."""
        name = "pk" if column == self.model._meta.pk.attname else column
        if name not in self.columns:
            self.columns.append(name)
        return self.columns.index(name)


@dataclass(frozen=True)
class Cascade:
    """
    All that a deletion of rows of one model can reach.

    Attributes:
        collector: why Django's own collector has to do it; empty when it has not.
    """

    root: Node
    nodes: Mapping[Model, Node]
    order: Order[Model]
    collector: str

    @property
    def edges(self) -> list[Edge]:
        """Return all edges."""
        return [edge for node in self.nodes.values() for edge in node.edges]

    @property
    def has_protection(self) -> bool:
        """Return whether rows may be kept by others."""
        return any(edge.effect in (Effect.PROTECT, Effect.RESTRICT) for edge in self.edges)


def cascade_of(model: Model, *, using: str, with_files: bool) -> Cascade:
    """Return what a deletion of rows of ``model`` reaches; ``with_files`` knows fields of files."""
    nodes: dict[Model, Node] = {}
    reasons: list[str] = []
    waiting = [model]
    # What an on_delete of the site's own takes along, the collector knows.
    unknown: list[Model] = []
    while waiting:
        current = waiting.pop(0)
        if current in nodes:
            continue
        node = nodes[current] = Node(current)
        if with_files:
            node.files = [
                one for one in current._meta.local_fields if isinstance(one, models.FileField)
            ]
            for one in node.files:
                node.place(one.attname)
        reasons += _listeners(current)
        for edge in _edges(current, using, reasons, unknown):
            node.edges.append(edge)
            node.place(edge.column)
            if edge.effect is Effect.CASCADE:
                waiting.append(edge.child)
        waiting += unknown
        unknown.clear()
        for parent, link in current._meta.parents.items():
            if link is not None:
                node.ups.append((parent, link.attname))
                node.place(link.attname)
                waiting.append(parent)
    for node in nodes.values():
        node.restricts = any(
            edge.child is node.model and edge.effect is Effect.RESTRICT
            for other in nodes.values()
            for edge in other.edges
        )
    order = children_first(list(nodes), _links(nodes))
    return Cascade(nodes[model], nodes, order, "; ".join(dict.fromkeys(reasons)))


def _edges(model: Model, using: str, reasons: list[str], unknown: list[Model]) -> Iterator[Edge]:
    """Yield what points at rows of ``model``; those of its parents are among them, as in Django."""
    for relation in model._meta.get_fields(include_hidden=True):
        is_back = relation.auto_created and not relation.concrete
        if not is_back or not (relation.one_to_one or relation.one_to_many):
            continue
        pointer: Any = relation.field  # type: ignore[union-attr]  # a reverse relation has one
        on_delete = pointer.remote_field.on_delete
        if on_delete in _NO_EFFECT:
            continue
        effect = _EFFECTS.get(on_delete)
        if effect is None:
            name = getattr(on_delete, "__name__", str(on_delete))
            reasons.append(f"{pointer.model._meta.label}.{pointer.name} has on_delete={name}")
            unknown.append(pointer.model)
            continue
        yield Edge(
            effect=effect,
            parent=model,
            child=pointer.model,
            name=pointer.attname,
            column=pointer.target_field.attname,
            is_nullable=pointer.null,
        )
    for generic in model._meta.private_fields:
        if hasattr(generic, "bulk_related_objects"):
            yield _generic_edge(model, generic, using)


def _generic_edge(model: Model, generic: Any, using: str) -> Edge:
    from django.contrib.contenttypes.models import ContentType

    kind = ContentType.objects.db_manager(using).get_for_model(
        generic.model, for_concrete_model=generic.for_concrete_model
    )
    return Edge(
        effect=Effect.CASCADE,
        parent=model,
        child=generic.remote_field.model,
        name=generic.object_id_field_name,
        column=model._meta.pk.attname,
        where={generic.content_type_field_name: kind.pk},
        is_nullable=True,
    )


def _listeners(model: Model) -> list[str]:
    # Django sends none for tables that it made itself, and so does its collector.
    if model._meta.auto_created:
        return []
    named = (("pre_delete", signals.pre_delete), ("post_delete", signals.post_delete))
    return [
        f"{name} of {model._meta.label} is listened to"
        for name, signal in named
        if signal.has_listeners(model)
    ]


def _links(nodes: Mapping[Model, Node]) -> Sequence[Link[Model]]:
    """Return which of the tables points at which, whatever that means for a deletion."""
    return [
        Link(model, target, one.attname, bool(one.null))
        for model in nodes
        for one in model._meta.local_fields
        if isinstance(one, models.ForeignKey) and (target := _target(one)) in nodes
    ]


def _target(pointer: "models.ForeignKey[Any, Any]") -> Model:
    related: Any = pointer.related_model
    return cast(Model, related._meta.concrete_model)
