"""Many-to-many fields: a list of keys for each row, and the rows of the table between."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import models

from django_system_ops.services.importing.cleaning import Cleaning
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.references import Reference, Wanted

__all__ = ["Links", "links_problem"]

_MOST_LINKS = 10_000


class Links:
    """
    The links of a field; a column has them as a list, in csv and xml as JSON in a text.

    Attributes:
        reference: how the other rows are found, and whose they are.
    """

    def __init__(
        self, field: "models.ManyToManyField[Any, Any]", order: Order, cleaning: Cleaning
    ) -> None:
        through: Any = field.remote_field.through
        meta: Any = through._meta
        self._through = through
        self._source: str = meta.get_field(field.m2m_field_name()).attname
        target = meta.get_field(field.m2m_reverse_field_name())
        self._target: str = target.attname
        self._using = order.using
        self.reference = Reference(target, "", order, cleaning)

    def wanted(self, value: Any) -> list[Wanted]:
        """
        Return what a list of the file asks for.

        Raises: one of ``REFUSALS``.
        """
        if isinstance(value, str) and value:
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise ValueError("it is no list in JSON, such as [1, 2].") from None
        if value in (None, ""):
            return []
        if not isinstance(value, list) or len(value) > _MOST_LINKS:
            raise ValueError(f"it is no list of at most {_MOST_LINKS:,} keys.")
        found = [self.reference.wanted(one) for one in value]
        return list(dict.fromkeys(one for one in found if one is not None))

    def write(self, links: Sequence[tuple[Any, Sequence[Any]]], *, is_change: bool) -> None:
        """Link rows, each given by its key, with others; a change takes their other links away."""
        rows = self._through._base_manager.using(self._using)
        if is_change:
            rows.filter(**{f"{self._source}__in": [key for key, _targets in links]}).delete()
        rows.bulk_create(
            (
                self._through(**{self._source: key, self._target: target})
                for key, targets in links
                for target in targets
            ),
            batch_size=500,
        )


def links_problem(field: "models.ManyToManyField[Any, Any]", order: Order) -> str:
    """Return why the links of a field cannot come in, or nothing."""
    through: Any = field.remote_field.through
    if not through._meta.auto_created:
        return f"{field.name!r} has a table of its own between: bring that in as a type"
    if field.remote_field.model._meta.concrete_model is order.model._meta.concrete_model:
        return f"{field.name!r} links rows of the file with each other, which may not be there yet"
    return ""
