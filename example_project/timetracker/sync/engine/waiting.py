"""How long to wait: before a retry, and before the next request of a full quota."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = [
    "backoff_s",
    "http_date",
    "pacing_s",
    "quota_pause_s",
    "retry_after_s",
    "token_lifetime_s",
]

# A reset above this is a moment in Unix time (2001 and later), below it a span in seconds.
_EARLIEST_EPOCH = 1_000_000_000
# IETF drafts of the RateLimit field: "remaining=0, reset=5" up to 07, '"day";r=0;t=5' after.
_REMAINING = re.compile(r"(?:^|[;,\s])(?:r|remaining)=(\d{1,12})(?=$|[;,\s])", re.IGNORECASE)
_RESET = re.compile(r"(?:^|[;,\s])(?:t|reset)=(\d{1,12})(?=$|[;,\s])", re.IGNORECASE)


def backoff_s(attempt: int, *, base_s: float, cap_s: float, jitter: float) -> float:
    """
    Return the pause after failed attempt number ``attempt``, in seconds.

    It doubles from ``base_s`` up to ``cap_s``; ``jitter`` (0 to 1) then takes away up to half,
    so that many clients that failed together do not come back together.
    """
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}")
    # Bound the exponent first: 2 ** 5000 is an integer too large for float.
    longest = min(base_s * 2.0 ** min(attempt - 1, 32), cap_s)
    return longest * (1 - jitter / 2)


def retry_after_s(value: str, now: datetime) -> float | None:
    """
    Return the seconds that a ``Retry-After`` field asks for, or None when it cannot be read.

    Source: RFC 9110, section 10.2.3: seconds, or a date; one that has passed means 0.
    """
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,12}", value):
        return float(value)
    moment = http_date(value)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def http_date(value: str) -> datetime | None:
    """Return the moment of an HTTP date (RFC 9110, section 5.6.7), or None for anything else."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # "-0000" and a missing zone come back naive; HTTP dates are always GMT.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def quota_pause_s(headers: Mapping[str, str], now: datetime) -> float:
    """
    Return how long the answer's quota asks us to stay quiet, in seconds; 0 while some is left.

    Read are ``RateLimit`` (draft-ietf-httpapi-ratelimit-headers, old and new form), and the
    pairs ``RateLimit-Remaining``/``-Reset`` and ``X-RateLimit-Remaining``/``-Reset``, whose
    reset is a span or a moment in Unix time, depending on who wrote the server.
    """
    pauses = [0.0]
    stated = headers.get("RateLimit", "")
    # A comma stands between policies in the new form, between their parameters in the old one.
    for policy in stated.split(",") if ";" in stated else [stated]:
        left, until = _REMAINING.search(policy), _RESET.search(policy)
        if left and until:
            pauses.append(_pause_s(left[1], until[1], now))
    for prefix in ("RateLimit", "X-RateLimit"):
        remaining, reset = (headers.get(f"{prefix}-{key}", "") for key in ("Remaining", "Reset"))
        pauses.append(_pause_s(remaining.strip(), reset.strip(), now))
    return max(pauses)


def pacing_s(previous_start: float | None, now: float, *, per_second: float) -> float:
    """Return how long to wait so that requests start at most ``per_second`` times a second."""
    if previous_start is None:
        return 0.0
    return max(0.0, previous_start + 1 / per_second - now)


def token_lifetime_s(expires_in_s: float) -> float:
    """
    Return how long a token may be used that lives for ``expires_in_s``, both in seconds.

    Shorter by a margin for the way to the server: half a minute, or a tenth of a short life.
    """
    return expires_in_s - min(30.0, expires_in_s / 10)


def _pause_s(remaining: str, reset: str, now: datetime) -> float:
    if not re.fullmatch(r"0{1,12}", remaining) or not re.fullmatch(r"[0-9]{1,12}", reset):
        return 0.0
    seconds = float(reset)
    return max(0.0, seconds - now.timestamp()) if seconds >= _EARLIEST_EPOCH else seconds
