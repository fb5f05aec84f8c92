"""
One object of JSON, read and written without a loss.

The fast library keeps the last of two equal keys, makes floats of large integers and nulls of NaN,
and refuses half characters. Where one of these could be, Python's own does the work.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django_system_ops.formats.rows import Limits, Value

__all__ = ["ObjectReader", "object_bytes"]

_SPACE_BEFORE_COLON = re.compile(rb'"[ \t\r]+:')


class ObjectReader:
    """Reads objects; what is wrong with one is a reason, not an error."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._problem = ""
        self._fast = _fast_loads()
        self._decode = json.JSONDecoder(
            object_pairs_hook=self._pairs,
            parse_float=Decimal,
            parse_int=self._integer,
            parse_constant=self._constant,
        ).raw_decode

    def line(self, data: bytes, text: str) -> dict[str, Value] | str:
        """Return what a line holds, or what is wrong with it."""
        if (found := _plain_object(data, self._fast)) is None:
            stripped = text.strip(" \t\r\n")
            try:
                value, end = self.next(stripped, 0)
            except json.JSONDecodeError as error:
                return f"it is no JSON: {error.msg}, at character {error.pos + 1}."
            if end != len(stripped):
                return f"it goes on behind the object, at character {end + 1}."
            return self.checked(value)
        return self._fitting(found) or found

    def next(self, text: str, start: int) -> tuple[Any, int]:
        """
        Return the value that begins at a place of a text, and where it ends.

        Raises:
            JSONDecodeError: it is broken, or its end is not there yet.
        """
        self._problem = ""
        try:
            value, end = self._decode(text, start)
        except RecursionError:
            raise json.JSONDecodeError("nested too deep", text, start) from None
        return value, end

    def checked(self, value: Any) -> dict[str, Value] | str:
        """Return the value that ``next`` gave last if it is a sound object, else why it is none."""
        if self._problem:
            return self._problem
        if not isinstance(value, dict):
            return f"it is no object, but {_kind(value)}."
        try:
            for name, one in value.items():
                if isinstance(one, list | dict):
                    value[name] = self._inner(one, 1)
        except _TooMuchError as error:
            return str(error)
        return self._fitting(value) or value

    def _fitting(self, value: dict[str, Any]) -> str:
        limits = self._limits
        if len(value) > limits.columns:
            return f"it has {len(value)} fields, and at most {limits.columns} may be."
        for name, one in value.items():
            if isinstance(one, str) and len(one) > limits.field_chars:
                return f"{name!r} is longer than {limits.field_chars:,} characters."
        return ""

    def _inner(self, value: Any, depth: int) -> Any:
        """Return what stands in a list or an object with floats, which JSON fields take."""
        if depth > self._limits.nesting:
            raise _TooMuchError(f"it is nested deeper than {self._limits.nesting}.")
        if isinstance(value, dict):
            return {name: self._inner(one, depth + 1) for name, one in value.items()}
        if isinstance(value, list):
            return [self._inner(one, depth + 1) for one in value]
        if isinstance(value, Decimal):
            number = float(value)
            if math.isinf(number):
                raise _TooMuchError(f"{value} is too large for a number.")
            return number
        return value

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            self._problem = f"it has the key {twice!r} twice."
        return found

    def _integer(self, digits: str) -> int:
        try:
            return int(digits)
        except ValueError:
            # Python reads no more than 4300 digits, since the time grows with their square.
            self._problem = f"a number has {len(digits)} digits."
            return 0

    def _constant(self, name: str) -> None:
        self._problem = f"{name} is no JSON."


def object_bytes() -> Callable[[Sequence[str], Sequence[Value]], bytes]:
    """Return a function that writes an object, with the fast library if it is there."""
    try:
        import orjson
    except ImportError:
        return _slowly

    dumps, failed = orjson.dumps, orjson.JSONEncodeError

    def write(fields: Sequence[str], values: Sequence[Value]) -> bytes:
        try:
            data = dumps(dict(zip(fields, values, strict=True)), default=_text)
        except failed:
            return _slowly(fields, values)  # more than 64 bits, or half a character
        if b"null" in data and not all(map(_is_finite, values)):
            return _slowly(fields, values)
        return data

    return write


class _TooMuchError(ValueError):
    pass


def _fast_loads() -> Callable[[bytes], Any] | None:
    try:
        import orjson
    except ImportError:
        return None
    return orjson.loads


def _plain_object(data: bytes, loads: Callable[[bytes], Any] | None) -> dict[str, Value] | None:
    """Return a flat object of a line; None where a loss would be possible, or it is none."""
    if loads is None:
        return None
    try:
        found = loads(data)
    except ValueError:
        return None
    # Each key is followed by a colon, and one without a space before it is counted: as many as
    # there are keys means that none came twice and that nothing stands in anything.
    if (
        type(found) is not dict
        or data.count(b'":') != len(found)
        or _SPACE_BEFORE_COLON.search(data)
        or any(type(one) in {float, list, dict} for one in found.values())
    ):
        return None
    return found


def _slowly(fields: Sequence[str], values: Sequence[Value]) -> bytes:
    sound = (one if _is_finite(one) else str(one) for one in values)
    row = dict(zip(fields, sound, strict=True))
    text = json.dumps(
        row, default=_text, allow_nan=False, separators=(",", ":"), ensure_ascii=False
    )
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(row, default=_text, allow_nan=False, separators=(",", ":")).encode()


def _is_finite(value: Value) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else "a single value"
