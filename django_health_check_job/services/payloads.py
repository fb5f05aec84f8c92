"""The published payload: written, read, and turned into the bytes that go out."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django_health_check_job.engine.naming import fitted
from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.exceptions import PayloadError

__all__ = ["Payload", "PayloadCheck", "build_payload", "read_payload", "to_body"]


@dataclass(frozen=True)
class PayloadCheck:
    """One check of a payload; what a sender does not say is None."""

    name: str
    status: int
    message: str
    state: State | None = None
    duration_seconds: float | None = None
    checked_at: datetime | None = None
    critical: bool | None = None


@dataclass(frozen=True)
class Payload:
    """A payload that can be stored as it is."""

    checks: tuple[PayloadCheck, ...]
    uuid: UUID | None = None
    timestamp: datetime | None = None
    sync_app_id: str | None = None


def build_payload(
    round_uuid: UUID, started_at: datetime, outcomes: Sequence[Outcome], *, extended: bool
) -> dict[str, Any]:
    """
    Return a round as it was published, its keys in the published order.

    With ``extended`` each check also has ``state``, ``duration_seconds``, ``checked_at``,
    ``critical`` and ``slug``.
    """
    return {
        "uuid": str(round_uuid),
        "timestamp": started_at.astimezone(UTC).isoformat(),
        "checks": [
            {
                "name": outcome.name,
                "status": outcome.status,
                "message": outcome.message,
                **(_more(outcome) if extended else {}),
            }
            for outcome in outcomes
        ],
    }


def to_body(payload: Mapping[str, Any], app_id: str) -> bytes:
    """Return the bytes of a payload under the id of its site; the payload stays as it is."""
    # As requests writes json=...: what was published is what still goes out.
    return json.dumps({**payload, "sync_app_id": app_id}, allow_nan=False).encode()


def read_payload(payload: Mapping[str, Any]) -> Payload:
    """
    Return what a payload says; keys that nobody has published are passed over.

    Raises:
        PayloadError: names what is wrong, and where.
    """
    if not isinstance(payload, Mapping):
        raise PayloadError(f"A payload is a dict, got {type(payload).__name__}.")
    checks = payload.get("checks")
    if not isinstance(checks, list | tuple):
        raise PayloadError(f"'checks' must be a list, got {type(checks).__name__}.")
    app_id = payload.get("sync_app_id")
    if app_id is not None and not isinstance(app_id, str):
        raise PayloadError(f"'sync_app_id' must be a text, got {app_id!r}.")
    return Payload(
        checks=tuple(_read_check(one, index) for index, one in enumerate(checks)),
        uuid=_uuid(payload.get("uuid")),
        timestamp=_moment(payload.get("timestamp"), "'timestamp'"),
        sync_app_id=app_id,
    )


def _more(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state.value,
        "duration_seconds": round(outcome.duration_seconds, 6),
        "checked_at": outcome.started_at.astimezone(UTC).isoformat(),
        "critical": outcome.critical,
        "slug": outcome.slug,
    }


def _read_check(check: Any, index: int) -> PayloadCheck:
    where = f"checks[{index}]"
    if not isinstance(check, Mapping):
        raise PayloadError(f"{where} must be a dict, got {type(check).__name__}.")
    name, status, message = check.get("name"), check.get("status"), check.get("message")
    if not isinstance(name, str) or not name.strip():
        raise PayloadError(f"{where}: 'name' must be a text, got {name!r}.")
    if status not in (0, 1) or not isinstance(status, int):
        raise PayloadError(f"{where} ({_shown(name)}): 'status' must be 0 or 1, got {status!r}.")
    if message is not None and not isinstance(message, str):
        raise PayloadError(
            f"{where} ({_shown(name)}): 'message' must be a text, got {type(message).__name__}."
        )
    critical = check.get("critical")
    return PayloadCheck(
        name=fitted(name),
        status=int(status),
        message=_storable(message or ""),
        state=_state(check.get("state"), int(status)),
        duration_seconds=_duration(check.get("duration_seconds")),
        checked_at=_moment(check.get("checked_at"), f"{where}: 'checked_at'"),
        critical=critical if isinstance(critical, bool) else None,
    )


def _state(value: Any, status: int) -> State | None:
    """Return the state, unless it is unknown to us or says other than the published status."""
    try:
        state = State(value)
    except ValueError:
        return None
    return state if int(state.works) == status else None


def _duration(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # A century fits into every column.
    return float(value) if math.isfinite(value) and 0 <= value < 3.2e9 else None


def _uuid(value: Any) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise PayloadError(f"'uuid' must be a UUID, got {_shown(value)}.") from None


def _moment(value: Any, where: str) -> datetime | None:
    """Return a moment; one without an offset was meant in UTC."""
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        moment = moment.astimezone(UTC)
        # The databases' own bounds are wider.
        if not 1970 <= moment.year <= 9998:
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        raise PayloadError(f"{where} must be an ISO 8601 moment, got {_shown(value)}.") from None
    return moment


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _storable(text: str) -> str:
    """Return a text that every database takes: no NUL, and no half of a character."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
