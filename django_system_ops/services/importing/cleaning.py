"""Values of a file become values of a field, or a sentence that says why not."""

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.core.files.utils import validate_file_name
from django.db import models
from django.forms.utils import from_current_timezone
from django.utils.timezone import is_naive

from django_system_ops.formats import keeps_types
from django_system_ops.services.importing.shortcuts import shortcut_of

__all__ = ["REFUSALS", "Cleaner", "Cleaning", "cleaner_of", "reason_of"]

Cleaner = Callable[[Any], Any]

_NUMBERS = (models.IntegerField, models.FloatField, models.DecimalField)
_TEXTS = (models.CharField, models.TextField, models.FileField)
# What these take is one value. Other fields, such as arrays, know their own.
_PLAIN = (
    *_NUMBERS,
    *_TEXTS,
    models.BooleanField,
    models.DateField,
    models.TimeField,
    models.DurationField,
    models.UUIDField,
    models.GenericIPAddressField,
    models.BinaryField,
)
_TOO_LARGE = "it is too large for a number."
_BOOLEANS = {"true": True, "false": False}
#: What a cleaner raises for a value that does not fit: Django's fields have more than one word.
REFUSALS = (ValidationError, ValueError, TypeError, ArithmeticError, SuspiciousFileOperation)


def cleaner_of(field: "models.Field[Any, Any]", *, format: str, vendor: str) -> Cleaner:
    """
    Return the function that turns a file's value into that of ``field``.

    It does what ``Field.clean`` does, once, and what the database would refuse later or, worse,
    would change. ``vendor`` is the database's.

    Raises (the function): one of ``REFUSALS``, which :func:`reason_of` puts into words.
    """
    steps = list(_steps(field, format, vendor))
    clean = _clean_json if isinstance(field, models.JSONField) else _clean
    has_empty = isinstance(field, (*_TEXTS, models.BinaryField))
    takes_empty = not field.null and has_empty
    is_text_format = not keeps_types(format)

    def cleaned(value: Any) -> Any:
        is_given = value is not None
        if value is None:
            # A file of texts has no other way to say it.
            value = "" if takes_empty and is_text_format else None
        if value is None and field.null:
            # blank=False is a form's wish; data may have NULL wherever the column takes it.
            return None
        if value is not None:
            for step in steps:
                value = step(value)
        if has_empty and is_given and isinstance(value, str | bytes) and not value:
            # For forms, the empty text is no answer. For data it is one, which export_data writes.
            return field.to_python(value)
        return clean(field, value)

    return shortcut_of(field, cleaned)


@dataclass(frozen=True)
class Cleaning:
    """How values become those of fields: from which format, for the database of which vendor."""

    format: str
    vendor: str

    def of(self, field: "models.Field[Any, Any]") -> Cleaner:
        """Return the function for a field."""
        return cleaner_of(field, format=self.format, vendor=self.vendor)


def reason_of(error: Exception) -> str:
    """Return why a value was refused, from one of ``REFUSALS``."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return str(error) or "it cannot be read"


def _clean(field: "models.Field[Any, Any]", value: Any) -> Any:
    try:
        found = field.clean(value, None)
    except TypeError:
        if type(field).__module__.startswith("django."):
            raise
        # A site's own field may have values that the validators of its parent do not know.
        found = field.to_python(value)
        field.validate(found, None)
    longest = field.max_length
    # Fields of files have no validator of their length.
    if longest is not None and isinstance(found, str) and len(found) > longest:
        raise ValueError(f"it has {len(found)} characters, and there is room for {longest}.")
    return found


def _clean_json(field: "models.Field[Any, Any]", value: Any) -> Any:
    # For forms, {} and [] are no answer. For data they are one, which export_data writes.
    if value in ({}, []):
        return value
    return field.clean(value, None)


def _steps(field: "models.Field[Any, Any]", format: str, vendor: str) -> "list[Cleaner]":
    steps: list[Cleaner] = []
    if isinstance(field, models.JSONField):
        return [_finite] if keeps_types(format) else [_json_text, _finite]
    if isinstance(field, _PLAIN):
        steps.append(_one_value)
    if isinstance(field, (*_NUMBERS, *_TEXTS)):
        steps.append(_no_boolean)
    steps += [step for kind, step in _OF_KINDS if isinstance(field, kind)]
    if isinstance(field, models.DateTimeField):
        steps.append(_aware(field))
    elif isinstance(field, models.FloatField) and vendor != "postgresql":
        steps.append(_finite_float)
    if isinstance(field, _TEXTS):
        steps.append(_storable(vendor))
    return steps


def _one_value(value: Any) -> Any:
    if isinstance(value, list | Mapping):
        kind = "list" if isinstance(value, list) else "object"
        raise ValueError(f"it is a whole {kind}, and the field takes one value.")
    return value


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("it is a boolean, and the field takes none.")
    return value


def _boolean(value: Any) -> Any:
    return _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value


def _base64(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("bytes are written in base64.")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is no base64.") from None


def _aware(field: "models.Field[Any, Any]") -> Cleaner:
    def aware(value: Any) -> Any:
        found = field.to_python(value)
        if isinstance(found, datetime) and is_naive(found):
            # It says so when the clock shows that time twice, or never.
            return from_current_timezone(found)
        return found

    return aware


def _whole(value: Any) -> Any:
    """Return a whole number as one: ``int()`` would cut its fraction off without a word."""
    if not isinstance(value, float | Decimal):
        return value
    # The float first: as an integer 1e999999999 would have more digits than there is memory.
    if not math.isfinite(value) or value != int(value):
        raise ValueError("it is no whole number.")
    return int(value)


def _fitting_float(value: Any) -> Any:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return value  # the field has the words for it
    if math.isinf(found) and "inf" not in str(value).lower():
        raise ValueError(_TOO_LARGE)
    return value


def _finite_float(value: Any) -> Any:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return value  # the field has the words for it
    if not math.isfinite(found):
        raise ValueError("this database has no such number.")
    return value


def _file_name(value: Any) -> Any:
    if isinstance(value, str) and value:
        validate_file_name(value, allow_relative_path=True)
    return value


def _storable(vendor: str) -> Cleaner:
    has_no_nul = vendor == "postgresql"

    def storable(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if has_no_nul and "\0" in value:
            raise ValueError("it has a NUL character, which PostgreSQL cannot store.")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise ValueError("it has half a surrogate pair, which is no character.") from None
        return value

    return storable


def _json_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}.") from None


def _finite(value: Any) -> Any:
    """Return JSON without what JSON has no word for; readers give numbers as Decimal."""
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        if not math.isfinite(value):
            raise ValueError(_TOO_LARGE)
        value = (
            int(value)
            if value == value.to_integral_value() and "." not in str(value)
            else float(value)
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("JSON has no such number.")
    return value


_OF_KINDS: "tuple[tuple[type[models.Field[Any, Any]], Cleaner], ...]" = (
    (models.BooleanField, _boolean),
    (models.BinaryField, _base64),
    (models.IntegerField, _whole),
    (models.FloatField, _fitting_float),
    (models.FileField, _file_name),
)
