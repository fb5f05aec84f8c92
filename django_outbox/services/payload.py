"""What may be stored as a payload: JSON that every database gives back as it was."""

import json
from typing import Any

from django_outbox.exceptions import EnqueueError

__all__ = ["checked_payload"]

# MariaDB's JSON_VALID() refuses the 32nd (JSON_DEPTH_LIMIT in its json_lib.h).
_DEEPEST = 31


def checked_payload(payload: Any, *, job_type: str, max_bytes: int) -> Any:
    """
    Return ``payload`` as its handler will get it: a tuple has become a list, for one.

    Raises:
        EnqueueError: it is not JSON, has NaN or NUL, is nested more than 31 levels deep or is
            larger than ``max_bytes``.
    """
    what = f"The payload of job {job_type!r}"
    try:
        text = json.dumps(payload, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise EnqueueError(
            f"{what} is not JSON: {error}. Convert it to text, numbers, lists and dicts with "
            "text keys first."
        ) from error
    if size > max_bytes:
        raise EnqueueError(
            f"{what} has {size:,} bytes, more than OUTBOX['MAX_PAYLOAD_BYTES'] ({max_bytes:,}). "
            "Store the data elsewhere and enqueue a reference to it."
        )
    # What one database cannot store is refused on all: a job must not depend on the one it meets.
    if text.count("[") + text.count("{") > _DEEPEST and (depth := _depth(payload)) > _DEEPEST:
        raise EnqueueError(
            f"{what} is nested {depth} levels deep, more than {_DEEPEST}. Flatten it, or enqueue "
            "it as text."
        )
    if "\\u0000" in text and "\x00" in _all_text(payload):
        raise EnqueueError(f"{what} holds a NUL character. Remove it, or encode the data.")
    return json.loads(text)


def _depth(value: Any) -> int:
    """Return how many lists and dicts stand inside each other."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return 0
    return 1 + max(map(_depth, value), default=0)


def _all_text(value: Any) -> str:
    """Return every string in ``value``, joined: an escaped backslash may look like a NUL."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(f"{key}{_all_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "".join(map(_all_text, value))
    return ""
