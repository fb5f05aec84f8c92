"""Secrets are masked before arguments leave the process: in signals, history, logs."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["MASK", "mask_secrets"]

MASK = "********"

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?($|_)|secret|token|credential|(api|private|access)_?key|authorization",
    re.IGNORECASE,
)
# scheme://user:password@host, and ?token=... in a query string.
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)@")
_QUERY_SECRET = re.compile(
    r"([?&;](?:[\w.-]*(?:key|token|secret|password|signature)[\w.-]*)=)[^&;\s#]+", re.IGNORECASE
)


def mask_secrets(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a copy of ``arguments`` in which secrets are replaced by :data:`MASK`.

    A value is a secret when its name says so (``api_key``, ``client_secret``, ``password``);
    passwords inside URLs and secret query parameters are masked wherever they stand.
    """
    return {
        name: MASK if value and _SECRET_NAME.search(name) else _masked(value)
        for name, value in arguments.items()
    }


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _QUERY_SECRET.sub(rf"\g<1>{MASK}", _URL_PASSWORD.sub(rf"\g<1>:{MASK}@", value))
    if isinstance(value, Mapping):
        return mask_secrets({str(key): item for key, item in value.items()})
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value
