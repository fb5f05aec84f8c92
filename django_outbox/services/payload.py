"""What may be stored as a payload: JSON that every database gives back as it was."""

import json
from typing import Any

from django_outbox.exceptions import EnqueueError, UnknownJobTypeError
from django_outbox.models import OutboxJob
from django_outbox.services.registry import Registration, registry
from django_outbox.services.typed_payload import from_stored, to_stored

__all__ = ["checked_payload", "load_payload", "payload_type", "stored_payload"]

# MariaDB's JSON_VALID() refuses the 32nd (JSON_DEPTH_LIMIT in its json_lib.h).
_DEEPEST = 31

# Escaped, so that a database whose encoding lacks a character keeps it all the same.
_encode = json.JSONEncoder(allow_nan=False).encode


def load_payload(registration: Registration, job: OutboxJob) -> Any:
    """
    Return the payload of ``job`` as its handler wants it: the object, where it names a type.

    Raises:
        PayloadError: what is stored does not fit the type; another release may have stored it.
    """
    if registration.payload is None:
        return job.payload
    return from_stored(job.payload, registration.payload, job_type=job.job_type)


def payload_type(job_type: str) -> Any:
    """
    Return the type that the handler of ``job_type`` names for its payload, or None.

    A job type that this process does not know has none: another one may do its jobs.
    """
    try:
        return registry.get(job_type).payload
    except UnknownJobTypeError:
        return None


def stored_payload(payload: Any, wanted: Any, *, job_type: str, max_bytes: int) -> str:
    """
    Return the JSON text of ``payload``, as the type ``wanted`` writes it; None stands for ``{}``.

    Raises:
        EnqueueError: it does not fit the type, or see :func:`checked_payload`.
    """
    payload = {} if payload is None else payload
    if wanted is not None:
        payload = to_stored(payload, wanted, job_type=job_type)
    return _checked_text(payload, job_type=job_type, max_bytes=max_bytes)


def checked_payload(payload: Any, *, job_type: str, max_bytes: int, what: str = "payload") -> Any:
    """
    Return ``payload`` as its handler will get it: a tuple has become a list, for one.

    Raises:
        EnqueueError: it is not JSON, has NaN or NUL, is nested more than 31 levels deep or is
            larger than ``max_bytes``.
    """
    return json.loads(_checked_text(payload, job_type=job_type, max_bytes=max_bytes, what=what))


def _checked_text(payload: Any, *, job_type: str, max_bytes: int, what: str = "payload") -> str:
    try:
        text = _encode(payload)
        # Escapes are longer than what they stand for, so most payloads need no second look.
        # One is an emoji's half: alone it can be escaped, and never stored.
        size = len(text)
        if size > max_bytes or "\\ud" in text:
            size = len(json.dumps(payload, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise EnqueueError(
            f"The {what} of job {job_type!r} is not JSON: {error}. Convert it to text, "
            "numbers, lists and dicts with text keys first."
        ) from error
    if size > max_bytes:
        raise EnqueueError(
            f"The {what} of job {job_type!r} has {size:,} bytes, more than "
            f"OUTBOX['MAX_PAYLOAD_BYTES'] ({max_bytes:,}). "
            "Store the data elsewhere and enqueue a reference to it."
        )
    # What one database cannot store is refused on all: a job must not depend on the one it meets.
    if text.count("[") + text.count("{") > _DEEPEST and (depth := _depth(payload)) > _DEEPEST:
        raise EnqueueError(
            f"The {what} of job {job_type!r} is nested {depth} levels deep, more than "
            f"{_DEEPEST}. Flatten it, or enqueue it as text."
        )
    if "\\u0000" in text and "\x00" in _all_text(payload):
        raise EnqueueError(
            f"The {what} of job {job_type!r} holds a NUL character. Remove it, or encode the data."
        )
    return text


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
