"""What may not be twice: the keys of types, and what the database keeps unique."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F, OrderBy, Q, UniqueConstraint
from django.db.models.functions import Lower, Upper

from django_system_ops.services.tenant_moves.graphs import Node
from django_system_ops.services.tenant_moves.ownership import Kind

__all__ = ["Identity", "fresh_fields", "identities_of", "match_text"]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Identity:
    """
    Columns that tell one row from another.

    Attributes:
        is_key: whether the site says so, of the rows of one tenant; else the database does, of all.
        is_everywhere: whether no column of it says whose the row is: a copy has the same.
        condition: which rows have to differ; None for all.
        expressions: what is compared where that is not the columns themselves.
    """

    node: Node
    columns: tuple[str, ...]
    is_key: bool
    is_everywhere: bool
    condition: Q | None = None
    expressions: tuple[Any, ...] = ()

    @property
    def text_column(self) -> str:
        """Return the last column that can get a number at its end; nothing where none can."""
        for name in reversed(self.columns):
            is_seen = not self.expressions or name in _letters(self.node, self.expressions)
            if is_seen and _can_be_numbered(self.node, name):
                return name
        return ""

    def __str__(self) -> str:
        return f"{self.node.label}.({', '.join(self.columns)})"

    def of(self, values: Values) -> tuple[Any, ...] | None:
        """
        Return the values that count.

        None where one is NULL, which is equal to nothing, or missing, since nobody knows it yet.
        """
        if not values.keys() >= set(self.columns):
            return None
        found = tuple(values[name] for name in self.columns)
        # An expression may make something of NULL.
        return None if None in found and not self.expressions else found


def identities_of(node: Node) -> list[Identity]:
    """Return what tells rows of a model from another, the site's own key first."""
    found = []
    if node.owner.key and all(name in _own_names(node) for name in node.owner.key):
        found.append(_identity(node, _columns(node, node.owner.key), is_key=True))
    for names in _unique(node):
        columns = _columns(node, names)
        found.append(_identity(node, columns, is_key=False))
    found += _partial(node)
    fresh = set(fresh_fields(node))
    return [one for one in found if one.is_key or not fresh & set(one.columns)]


def fresh_fields(node: Node) -> list[str]:
    """Return columns that are unique by themselves and make their own values, such as UUIDs."""
    return [
        one.attname
        for one in node.fields
        if one.unique
        and one.has_default()
        and callable(one.default)
        and not isinstance(one, models.AutoField | models.ForeignKey)
    ]


def match_text(values: Sequence[Any]) -> str:
    """Return values as a sentence can have them."""
    return ", ".join(repr(one) if isinstance(one, str) else str(one) for one in values)


def _unique(node: Node) -> Iterator[Sequence[str]]:
    meta = node.model._meta
    for one in node.fields:
        # The rest of a row that is there already is there too, or it is another kind of row.
        if one.unique and not isinstance(one, models.AutoField):
            yield (one.name,)
    own = _own_names(node)
    for names in meta.unique_together:
        if set(names) <= own:
            yield names
    for constraint in meta.total_unique_constraints:
        if set(constraint.fields) <= own:
            yield constraint.fields


def _partial(node: Node) -> Iterator[Identity]:
    """Yield the rules of some rows only, and those over what the database computes."""
    for one in node.model._meta.constraints:
        if not isinstance(one, UniqueConstraint):
            continue
        is_plain = set(one.fields) <= _own_names(node)
        if is_plain and not (one.condition or one.expressions):
            continue
        compared = one.expressions or (() if is_plain else [F(name) for name in one.fields])
        expressions = tuple(
            each.expression if isinstance(each, OrderBy) else each for each in compared
        )
        columns = _columns(node, [*one.fields, *_named_in(expressions)])
        yield replace(
            _identity(node, columns, is_key=False), condition=one.condition, expressions=expressions
        )


def _named_in(expressions: Iterable[Any]) -> list[str]:
    parts: list[Any] = [
        part
        for one in expressions
        for part in (one.flatten() if hasattr(one, "flatten") else (one,))
        if isinstance(part, F)
    ]
    return list(dict.fromkeys(part.name for part in parts))


def _letters(node: Node, expressions: Iterable[Any]) -> tuple[str, ...]:
    """Return the columns of which every letter counts, whatever its case."""
    whole = [one for one in expressions if isinstance(one, F | Lower | Upper)]
    return _columns(node, _named_in(whole))


def _own_names(node: Node) -> set[str]:
    return {one.name for one in node.fields}


def _columns(node: Node, names: Sequence[str]) -> tuple[str, ...]:
    found: list[models.Field[Any, Any]] = [
        one for name in names for one in node.fields if name in (one.name, one.attname)
    ]
    return tuple(one.attname for one in found)


def _identity(node: Node, columns: tuple[str, ...], *, is_key: bool) -> Identity:
    links = {link.name: link for link in node.links}
    kinds = [links[name].owner.kind for name in columns if name in links]
    numbers = {generic.number for generic in node.generics}
    is_mapped = Kind.TENANT in kinds or bool(numbers & set(columns))
    return Identity(
        node,
        columns,
        is_key,
        is_everywhere=not is_key and not is_mapped and Kind.THE_TENANT not in kinds,
    )


def _can_be_numbered(node: Node, name: str) -> bool:
    try:
        one = node.model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    is_text = isinstance(one, models.CharField | models.TextField)
    is_special = isinstance(one, models.EmailField | models.URLField | models.FileField)
    return is_text and not is_special and not getattr(one, "choices", None)
