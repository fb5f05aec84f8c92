"""What a table asks of its rows, as far as that can be read: bounds, order, what differs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from django.core import validators
from django.db import models
from django.db.models.constants import LOOKUP_SEP

__all__ = ["Rules", "rules_of"]


@dataclass
class Rules:
    """
    What rows of a model have to keep to.

    Attributes:
        least: the lowest value of a field, by its name; ``most`` the highest.
        chosen: the values that a check constraint allows, by the name of the field.
        after: fields that are not less than another: its name, by theirs.
        unique: names of fields each of which differs from row to row.
        pairs: sets of fields that together differ from row to row, and none of which can by itself.
    """

    least: dict[str, Any] = field(default_factory=dict)
    most: dict[str, Any] = field(default_factory=dict)
    chosen: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    unique: set[str] = field(default_factory=set)
    pairs: list[tuple[str, ...]] = field(default_factory=list)

    def at_least(self, name: str, value: Any) -> None:
        """Raise the lower bound of a field."""
        self.least[name] = max(value, self.least.get(name, value))

    def at_most(self, name: str, value: Any) -> None:
        """Lower the upper bound of a field."""
        self.most[name] = min(value, self.most.get(name, value))


def rules_of(model: type[models.Model]) -> Rules:
    """Return what can be read from fields, validators and constraints."""
    rules = Rules()
    for one in model._meta.concrete_fields:
        _read_validators(rules, one)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            for leaf in _leaves(constraint.condition):
                _read_leaf(rules, *leaf)
    # A circle would have no beginning.
    for name, other in list(rules.after.items()):
        if other in rules.after:
            del rules.after[name]
    _read_unique(rules, model)
    return rules


def _read_validators(rules: Rules, one: Any) -> None:
    # Without those of the column's type, which bound nothing that is usual.
    for validator in (*one.default_validators, *one._validators):
        limit = getattr(validator, "limit_value", None)
        limit = limit() if callable(limit) else limit
        if isinstance(validator, validators.MinValueValidator):
            rules.at_least(one.name, limit)
        elif isinstance(validator, validators.MaxValueValidator):
            rules.at_most(one.name, limit)


def _leaves(condition: Any) -> Iterator[tuple[str, Any]]:
    """Yield the conditions that hold for each row; of ``null or x`` that is x."""
    if not isinstance(condition, models.Q) or condition.negated:
        return
    children = list(condition.children)
    if condition.connector == models.Q.OR:
        rest = [
            one for one in children if not (isinstance(one, tuple) and one[0].endswith("__isnull"))
        ]
        if len(rest) != 1:
            return
        children = rest
    for one in children:
        if isinstance(one, tuple):
            yield one
        else:
            yield from _leaves(one)


def _read_leaf(rules: Rules, lookup: str, value: Any) -> None:
    name, _, kind = lookup.partition(LOOKUP_SEP)
    if isinstance(value, models.F):
        other: str = cast(Any, value).name
        if kind in ("gte", "gt"):
            rules.after[name] = other
        elif kind in ("lte", "lt"):
            rules.after[other] = name
    elif hasattr(value, "resolve_expression"):
        return  # for the database to know
    elif kind == "range":
        rules.at_least(name, value[0])
        rules.at_most(name, value[1])
    elif kind in ("gte", "gt"):
        rules.at_least(name, value + (1 if kind == "gt" and isinstance(value, int) else 0))
    elif kind in ("lte", "lt"):
        rules.at_most(name, value - (1 if kind == "lt" and isinstance(value, int) else 0))
    elif kind == "in":
        rules.chosen[name] = tuple(value)


def _read_unique(rules: Rules, model: type[models.Model]) -> None:
    fields = {one.name: one for one in model._meta.concrete_fields}
    sets: list[tuple[str, ...]] = [
        (one.name,) for one in fields.values() if one.unique and not _is_given(one)
    ]
    sets += [tuple(one) for one in model._meta.unique_together]
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            found: Any = constraint
            names = found.fields or tuple(_names_in(found.expressions))
            sets.append(tuple(name for name in names if name in fields))
    for names in sets:
        if not names or rules.unique.intersection(names):
            continue
        able = [name for name in names if len(names) == 1 or _can_differ(fields[name], rules)]
        if able:
            rules.unique.add(able[-1])
        else:
            rules.pairs.append(names)


def _is_given(one: Any) -> bool:
    return isinstance(one, models.AutoField)


def _can_differ(one: Any, rules: Rules) -> bool:
    if one.is_relation or one.choices or one.name in rules.chosen:
        return False
    if isinstance(one, models.CharField):
        return one.max_length is None or one.max_length >= 8
    if isinstance(one, models.IntegerField):
        return one.name not in rules.most and not isinstance(one, models.SmallIntegerField)
    return isinstance(one, models.TextField | models.UUIDField)


def _names_in(expressions: Any) -> Iterator[str]:
    for one in expressions:
        if isinstance(one, models.F):
            yield cast(Any, one).name
        elif hasattr(one, "get_source_expressions"):
            yield from _names_in(one.get_source_expressions())
