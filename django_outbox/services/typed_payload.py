"""Payloads with a type: checked when they are stored, objects when they are used."""

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from django_outbox.exceptions import EnqueueError, PayloadError

__all__ = ["from_stored", "to_stored"]

# What pydantic's SecretStr and SecretBytes turn into.
_MASK = "**********"


def to_stored(payload: Any, wanted: Any, *, job_type: str) -> Any:
    """
    Return ``payload``, an instance of ``wanted`` or a dict for one, as JSON values.

    Raises:
        EnqueueError: it does not fit, now or when it is read again. The message names the
            fields and the reasons, and no value: a payload may hold what no log should.
    """
    adapter = _adapter(wanted)
    what = f"The payload of job {job_type!r} is no {_name(wanted)}"
    try:
        checked = adapter.validate_python(payload)
        # Without pydantic's warnings about fields that hold another type: they show the value.
        stored = adapter.dump_python(checked, mode="json", by_alias=True, warnings=False)
        text = json.dumps(stored)
        # An instance is taken as it is, and its fields may have been set to anything since.
        again = adapter.validate_json(text)
    # Not chained: the error shows the payload's values, and tracebacks end in logs.
    except ValidationError as error:
        raise EnqueueError(f"{what}: {_reasons(error)}.") from None
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        raise EnqueueError(f"{what} that can be stored as JSON: {type(error).__name__}.") from None
    if _MASK in text and again != checked:
        raise EnqueueError(
            f"{what} that would not come back as it is: pydantic writes a secret as {_MASK!r}. "
            "Enqueue a reference to where it is kept."
        )
    return stored


def from_stored(stored: Any, wanted: Any, *, job_type: str) -> Any:
    """
    Return the object of the type ``wanted`` that was stored.

    Raises:
        PayloadError: it does not fit; the message names fields and reasons, and no value.
    """
    try:
        return _adapter(wanted).validate_json(json.dumps(stored))
    except ValidationError as error:
        raise PayloadError(
            f"The stored payload of job {job_type!r} is no {_name(wanted)}: {_reasons(error)}. "
            "Let the type accept what earlier releases stored, or cancel the job."
        ) from None


@cache
def _adapter(wanted: Any) -> TypeAdapter[Any]:
    return TypeAdapter(wanted)


def _name(wanted: Any) -> str:
    return str(getattr(wanted, "__name__", wanted))


def _reasons(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'payload'}: {problem['msg']}"
        for problem in problems
    )
