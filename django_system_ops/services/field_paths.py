"""Fields at the end of foreign keys, and fields of which there may be many."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models

__all__ = ["FieldPathError", "field_at", "leads_to_many"]


class FieldPathError(Exception):
    """A path leads to no field of one row; the text says where it ends."""


def field_at(model: type[models.Model], path: str) -> "models.Field[Any, Any]":
    """
    Return the field that a path of foreign keys leads to, such as ``agent__name``.

    Raises:
        FieldPathError: there is no such field, or there may be many for one row, which would
            count the row as often.
    """
    current = model
    *steps, last = path.split("__")
    for step in steps:
        try:
            field: Any = current._meta.get_field(step)
        except FieldDoesNotExist:
            raise FieldPathError(f"{current._meta.label} has no field {step!r}") from None
        related = field.related_model if isinstance(field, models.ForeignKey) else None
        if not isinstance(related, type):
            raise FieldPathError(f"{step!r} of {current._meta.label} is no foreign key")
        current = related
    return _field(current, last)


def leads_to_many(model: type[models.Model], lookups: Iterable[str]) -> bool:
    """Return whether one of the lookups may find one row several times."""
    return any(_passes_many(model, lookup) for lookup in lookups)


def _passes_many(model: type[models.Model], lookup: str) -> bool:
    current: type[models.Model] | None = model
    for step in lookup.split("__"):
        try:
            if current is None or step == "pk":
                return False
            field = current._meta.get_field(step)
        except FieldDoesNotExist:
            return False  # a transform, or a lookup such as gte
        if field.one_to_many or field.many_to_many:
            return True
        related = field.related_model
        current = related if isinstance(related, type) else None
    return False


def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    try:
        field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist:
        raise FieldPathError(f"{model._meta.label} has no field {name!r}") from None
    if not isinstance(field, models.Field) or field.many_to_many or not field.concrete:
        raise FieldPathError(f"{name!r} of {model._meta.label} is no column of one row")
    return field
