"""
Values that are good at first sight.

``Field.clean`` costs ten times what it takes to see that a short text is short. A shortcut returns
what ``clean`` would, or leaves the value to it: what is wrong, and in which words, is never decided
here. Only for Django's own fields, exactly, with validators that are known.
"""

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.validators import (
    DecimalValidator,
    MaxLengthValidator,
    MaxValueValidator,
    MinValueValidator,
    RegexValidator,
)
from django.db import models
from django.utils import timezone

__all__ = ["Slow", "shortcut_of"]

Slow = Callable[[Any], Any]

_TEXTS = {models.CharField, models.SlugField, models.TextField}
_INTEGERS = {
    models.AutoField,
    models.BigAutoField,
    models.SmallAutoField,
    models.IntegerField,
    models.BigIntegerField,
    models.SmallIntegerField,
    models.PositiveIntegerField,
    models.PositiveBigIntegerField,
    models.PositiveSmallIntegerField,
}
_PARSERS: dict[Any, Callable[[str], Any]] = {
    models.DateField: date.fromisoformat,
    models.UUIDField: uuid.UUID,
}
_BOOLEANS = {"true": True, "false": False, "True": True, "False": False}


def shortcut_of(field: "models.Field[Any, Any]", slow: Slow) -> Slow:
    """Return a function that does what ``slow`` does, sooner where it can; else ``slow``."""
    kind, validators = type(field), list(field.validators)
    found: Slow | None = None
    if kind in _TEXTS:
        found = _text(field, validators, slow)
    elif field.choices is not None:
        return slow
    elif kind in _INTEGERS:
        found = _integer(validators, slow)
    elif isinstance(field, models.DecimalField) and kind is models.DecimalField:
        found = _decimal(field, validators, slow)
    elif not validators:
        if kind is models.BooleanField:
            found = _boolean(slow)
        elif kind is models.DateTimeField:
            found = _moment(slow)
        elif kind in _PARSERS:
            found = _parsed(_PARSERS[kind], slow)
    return found or slow


def _text(field: "models.Field[Any, Any]", validators: Sequence[Any], slow: Slow) -> Slow | None:
    longest = field.max_length if field.max_length is not None else 1 << 40
    patterns: list[Callable[[str], Any]] = []
    for one in validators:
        if type(one) is MaxLengthValidator and isinstance(one.limit_value, int):
            longest = min(longest, one.limit_value)
        elif type(one) is RegexValidator and not one.inverse_match:
            # The validator's own is compiled at each first use of a lazy object.
            regex: Any = one.regex
            patterns.append(re.compile(regex.pattern, regex.flags).search)
        else:
            return None
    choices = None if field.choices is None else {key for key, _label in field.flatchoices}

    def text(value: Any) -> Any:
        if type(value) is not str or not 0 < len(value) <= longest or "\0" in value:
            return slow(value)
        if not value.isascii() and not _is_whole(value):
            return slow(value)
        if choices is not None and value not in choices:
            return slow(value)
        for matches in patterns:
            if not matches(value):
                return slow(value)
        return value

    return text


def _is_whole(value: str) -> bool:
    """Say whether there is no half of a surrogate pair in a text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(validators: Sequence[Any], slow: Slow) -> Slow | None:
    least, most = -(1 << 31), (1 << 31) - 1
    for one in validators:
        if not isinstance(one.limit_value, int):
            return None
        if type(one) is MinValueValidator:
            least = max(least, one.limit_value)
        elif type(one) is MaxValueValidator:
            most = min(most, one.limit_value)
        else:
            return None

    def integer(value: Any) -> Any:
        if type(value) is str:
            try:
                found = int(value)
            except ValueError:
                return slow(value)
        elif type(value) is int:
            found = value
        else:
            return slow(value)
        return found if least <= found <= most else slow(value)

    return integer


def _decimal(
    field: "models.DecimalField[Any, Any]", validators: Sequence[Any], slow: Slow
) -> Slow | None:
    # Not said in the types: a field without them is one that `check` complains about.
    places: int | None = getattr(field, "decimal_places", None)
    most: int | None = getattr(field, "max_digits", None)
    if (
        places is None
        or most is None
        or any(type(one) is not DecimalValidator for one in validators)
    ):
        return None

    def decimal(value: Any) -> Any:
        if type(value) is str:
            try:
                found = Decimal(value)
            except InvalidOperation:
                return slow(value)
        elif type(value) is Decimal:
            found = value
        else:
            return slow(value)
        _sign, digits, exponent = found.as_tuple()
        # An exponent that is a letter says that it is no number.
        if not isinstance(exponent, int) or not 0 <= -exponent <= places:
            return slow(value)
        return found if len(digits) + exponent <= most - places else slow(value)

    return decimal


def _boolean(slow: Slow) -> Slow:
    def boolean(value: Any) -> Any:
        if type(value) is bool:
            return value
        found = _BOOLEANS.get(value) if type(value) is str else None
        return slow(value) if found is None else found

    return boolean


def _moment(slow: Slow) -> Slow:
    # For the whole run: what is between two zones is left to slow, which asks each time.
    is_utc = str(timezone.get_current_timezone()) == "UTC"

    def moment(value: Any) -> Any:
        if type(value) is not str:
            return slow(value)
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return slow(value)
        if found.tzinfo is not None:
            return found
        return found.replace(tzinfo=UTC) if is_utc else slow(value)

    return moment


def _parsed(parse: Callable[[str], Any], slow: Slow) -> Slow:
    def parsed(value: Any) -> Any:
        if type(value) is not str:
            return slow(value)
        try:
            return parse(value)
        except ValueError:
            return slow(value)

    return parsed
