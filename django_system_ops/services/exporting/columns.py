"""
What of a row goes out, and as what.

Rows come as plain tuples, never as objects of the model. What Django's fields make of a value when
it is read is kept; what a file has of it is what their ``to_python`` takes back.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from django.db import models
from django.utils.duration import duration_string
from django.utils.encoding import is_protected_type

__all__ = ["Columns"]

_Field = "models.Field[Any, Any]"
_Convert = Callable[[Any], Any]

_PLAIN = {
    *("AutoField", "BigAutoField", "SmallAutoField", "BooleanField", "CharField", "DateField"),
    *("DateTimeField", "DecimalField", "EmailField", "FileField", "FilePathField", "FloatField"),
    *("GenericIPAddressField", "IPAddressField", "IntegerField", "BigIntegerField"),
    *("SmallIntegerField", "PositiveIntegerField", "PositiveBigIntegerField", "UUIDField"),
    *("PositiveSmallIntegerField", "SlugField", "TextField", "TimeField", "URLField"),
}


class Columns:
    """
    The fields of an export, in their order.

    Attributes:
        names: what they are called in the file.
        fetched: those that are columns of the table; the links come separately.
    """

    def __init__(
        self,
        fields: Sequence["models.Field[Any, Any] | models.ManyToManyField[Any, Any]"],
        *,
        has_types: bool,
    ) -> None:
        self.names = [one.name for one in fields]
        self._links = [
            (place, _Link(one))
            for place, one in enumerate(fields)
            if isinstance(one, models.ManyToManyField)
        ]
        self.fetched = [one.name for one in fields if not isinstance(one, models.ManyToManyField)]
        converters = (
            (place, _converter(one, has_types=has_types))
            for place, one in enumerate(fields)
            if not isinstance(one, models.ManyToManyField)
        )
        self._converters = [(place, convert) for place, convert in converters if convert]

    def rows(self, batch: Sequence[tuple[Any, ...]], *, using: str) -> Iterator[Sequence[Any]]:
        """Yield what goes into the file; each of ``batch`` is a key and the fetched fields."""
        if not self._links and not self._converters:
            yield from (one[1:] for one in batch)
            return
        keys = [one[0] for one in batch]
        linked = [(place, link.targets(keys, using=using)) for place, link in self._links]
        for key, *row in batch:
            for place, targets in linked:  # in their order: each finds its place
                row.insert(place, targets.get(key, []))
            for place, convert in self._converters:
                if (value := row[place]) is not None:
                    row[place] = convert(value)
            yield row


class _Link:
    """A many-to-many field: the keys of the rows that a row is linked with."""

    def __init__(self, field: "models.ManyToManyField[Any, Any]") -> None:
        through: Any = field.remote_field.through
        self._through = through
        self._source: str = field.m2m_field_name()
        self._target: str = field.m2m_reverse_field_name()
        self._order: str = through._meta.get_field(self._target).attname

    def targets(self, keys: Sequence[Any], *, using: str) -> dict[Any, list[Any]]:
        """Return the keys of the others, by the keys of the rows; in their order."""
        found: dict[Any, list[Any]] = defaultdict(list)
        links = self._through._base_manager.using(using).filter(**{f"{self._source}__in": keys})
        # By the columns: the names would order by what the others are ordered by.
        ordered = links.order_by(self._order).values_list(self._source, self._target)
        for source, target in ordered:
            found[source].append(target if isinstance(target, int) else str(target))
        return found


def _converter(field: "models.Field[Any, Any]", *, has_types: bool) -> _Convert | None:
    """Return what makes of a value what goes into a file; None where that is itself."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    if isinstance(field, models.JSONField):
        return _json_converter(field, has_types=has_types)
    if isinstance(field, models.DurationField):
        return duration_string
    if isinstance(field, models.BinaryField):
        return lambda value: base64.b64encode(value).decode("ascii")
    is_own = not type(field).__module__.startswith("django.db.models.")
    if field.get_internal_type() in _PLAIN and not is_own:
        return None
    return _own_converter(field)


def _json_converter(field: "models.JSONField[Any, Any]", *, has_types: bool) -> _Convert | None:
    encoder = field.encoder

    def text(value: Any) -> str:
        return json.dumps(value, cls=encoder, ensure_ascii=False, separators=(",", ":"))

    if not has_types:
        return text
    if encoder is None and field.decoder is None:
        return None
    return lambda value: json.loads(text(value))


def _own_converter(field: "models.Field[Any, Any]") -> _Convert:
    """Return what Django's serializers do with a field that is somebody's own."""

    def convert(value: Any) -> Any:
        is_plain: bool = is_protected_type(value)
        if is_plain:
            return value
        found: Any = field.value_to_string(SimpleNamespace(**{field.attname: value}))  # type: ignore[arg-type]  # it asks for the one attribute
        return found if isinstance(found, str | list | dict) else str(found)

    return convert
