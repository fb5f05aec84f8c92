"""Values of rows: other ones where the same cannot be twice, and one text for equal ones."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Digest", "canonical", "copied_file_name", "numbered", "same"]
__all__ += ["serialized"]

_HASH_DIGITS = 12
# Values of which Python takes some for equal that are not.
_SCALARS = (bool, int, float)
_OF_JSON = (*_SCALARS, Mapping, list, tuple)


def numbered(text: str, number: int, longest: int | None) -> str:
    """
    Return ``text`` with ``-number`` at its end, cut so that it has at most ``longest`` characters.

    Raises:
        ValueError: there is no room for it.
    """
    ending = f"-{number}"
    if longest is None:
        return text + ending
    if len(ending) >= longest:
        raise ValueError(f"{longest} characters have no room for {ending!r} and something before.")
    return text[: longest - len(ending)] + ending


def copied_file_name(name: str, identity: str, longest: int | None) -> str:
    """
    Return the name of a copy of a file: the same each time for the same ``identity``.

    It stays in the same directory and keeps its ending.
    """
    directory, slash, base = name.rpartition("/")
    stem, dot, ending = base.rpartition(".")
    if not stem:
        stem, dot, ending = base, "", ""
    # A name that no encoding fits is a name too.
    whole = f"{identity}\0{name}".encode(errors="surrogatepass")
    mark = "_" + hashlib.sha256(whole).hexdigest()[:_HASH_DIGITS]
    ending = dot + ending
    if longest is not None:
        room = longest - len(directory) - len(slash) - len(mark)
        ending = ending[: max(0, room)]
        stem = stem[: max(0, room - len(ending))]
    return f"{directory}{slash}{stem}{mark}{ending}"


def canonical(value: Any) -> Any:
    """Return a value as JSON can have it: equal ones give equal ones, on every database."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): canonical(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(one) for one in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return {"hex": bytes(value).hex()}
    # The type too: a text that looks like a number is not that number.
    return {type(value).__name__: str(value)}


def serialized(value: Any) -> str:
    """Return one text for equal values, and others for others: 1, 1.0 and True are three."""
    return json.dumps(canonical(value), sort_keys=True, ensure_ascii=True)


def same(one: Any, other: Any) -> bool:
    """
    Return whether two values are one in the database.

    There NaN is what it is, and JSON tells 1, 1.0 and true apart, which are equal in Python.
    """
    # Most values are plain, and need no text.
    is_plain = not isinstance(one, _OF_JSON) or type(one) is type(other) in _SCALARS
    return bool(is_plain and one == other) or serialized(one) == serialized(other)


class Digest:
    """A SHA-256 over rows, in the order in which they come."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, values: Iterable[Any]) -> None:
        """Take a row."""
        self._hash.update(serialized(list(values)).encode() + b"\n")

    @property
    def text(self) -> str:
        """Return it in hexadecimal digits."""
        return self._hash.hexdigest()
