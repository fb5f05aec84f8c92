"""Texts and values as every database and every reader takes them."""

import math
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Any

from django_opskit.masking import mask_text

__all__ = ["OutputTail", "clean", "one_line", "plain"]


_MARGIN = 4096


class OutputTail:
    """The end of what a command wrote, at most ``limit`` characters; any thread may ask."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = limit + _MARGIN
        self._parts: deque[str] = deque()
        self._length = 0
        self._lock = Lock()

    def hear(self, text: str) -> None:
        """Take what was written just now."""
        with self._lock:
            # More than is asked for: a secret at the cut is known by the word before it.
            self._parts.append(text[-self._kept :] if self._limit else "")
            self._length += len(self._parts[-1])
            while self._length - len(self._parts[0]) >= self._kept and len(self._parts) > 1:
                self._length -= len(self._parts.popleft())

    def __str__(self) -> str:
        with self._lock:
            text = "".join(self._parts)
        # A secret may have come in two parts: masked as a whole, and only then cut.
        return clean(mask_text(text))[-self._limit :] if self._limit else ""


def one_line(error: BaseException) -> str:
    """Return what an error says on one line; the name of its kind if it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def clean(text: str) -> str:
    """Return ``text`` without what a database refuses: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def plain(value: Any) -> Any:
    """Return ``value`` as JSON has it; what JSON does not know becomes its text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return clean(str(value))
