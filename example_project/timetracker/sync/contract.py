"""
What a task source answers: the contract between this site and a planning system.

Request
    ``GET {source}?page_size=N`` for the whole list, and with ``&updated_since=<moment>`` for
    what changed at that moment or later. ``If-None-Match`` carries the last ``ETag``. Whoever
    asks says so with an API key in a header, or with an OAuth 2.0 bearer token (RFC 6750) from
    the client credentials grant (RFC 6749, section 4.4).

Answer
    200 and ``application/json``::

        {
          "tasks": [
            {"id": "T-17", "name": "Wiring", "project_phase": "Build", "department": "Works",
             "discipline": "Electrical", "is_active": true,
             "updated_at": "2026-03-02T08:15:00Z"},
            {"id": "T-18", "deleted": true, "updated_at": "2026-03-02T08:16:00Z"}
          ],
          "next": "/api/tasks/?after=…",
          "server_time": "2026-03-02T09:00:00Z"
        }

    * ``id`` names a task for ever: 1 to 64 printable characters.
    * ``name`` has 1 to 255 characters, ``project_phase``, ``department`` and ``discipline`` up
      to 100 each; those three may be left out, and ``is_active`` with the meaning true.
    * ``deleted`` marks a tombstone, which needs ``id`` and ``updated_at`` only. A source
      that sends none is believed only by a run over the whole list.
    * ``updated_at`` grows with every change of a task. Moments are RFC 3339, with an offset.
    * ``next`` leads to the following page, absolute or relative, on the same scheme, host and
      port; null or missing on the last page. Pages are cut by key (the last ``updated_at`` and
      ``id``), so that a change in between moves a task to a later page and never hides one.
    * ``server_time``, read by the server before it reads the tasks, becomes the next
      ``updated_since``.
    * Unknown keys are ignored, so that the source may grow.

    ``ETag``, on the first page, names the state of the whole list, whatever part was asked
    for; 304 therefore means that nothing at all has changed since.

Refusals
    401 for missing, wrong or expired credentials, 403 for insufficient ones. 429 and 503 with
    ``Retry-After`` (seconds or a date) when asked too often; ``RateLimit`` or
    ``X-RateLimit-Remaining`` and ``-Reset`` tell beforehand. 410 when ``updated_since`` lies
    before the oldest tombstone: only a run over the whole list helps then.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from timetracker.sync.engine.plan import Delivery, Rejection, TaskState

__all__ = [
    "Records",
    "TaskPage",
    "TaskRecord",
    "TokenAnswer",
    "TokenRefusal",
    "Tombstone",
    "faults",
    "read_records",
]

# pydantic alone would take "1700000000" and a bare date for a moment too.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
# NUL cannot be stored in PostgreSQL, and half of a surrogate pair nowhere.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _rfc_3339(value: object) -> object:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be a moment like 2026-03-02T08:15:00Z")
    return value


def _printable(value: str) -> str:
    if _UNPRINTABLE.search(value):
        raise ValueError("must not hold control characters")
    return value


def _one_line(value: str) -> str:
    return _printable(" ".join(value.split()))


def _exact(value: str) -> str:
    if value != value.strip():
        raise ValueError("must not begin or end with white space")
    return _printable(value)


# The range keeps every database able to store it, and every zone able to show it.
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc_3339),
    Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC)),
    AfterValidator(lambda moment: moment.astimezone(UTC)),
]
ExternalId = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=64), AfterValidator(_exact)
]
Text = Annotated[str, StringConstraints(strict=True, max_length=100), AfterValidator(_one_line)]
Name = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=255),
    AfterValidator(_one_line),
]
_EXTERNAL_ID = TypeAdapter[str](ExternalId)


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class TaskRecord(_Wire):
    """A task as it is."""

    id: ExternalId
    name: Name
    project_phase: Text = ""
    department: Text = ""
    discipline: Text = ""
    is_active: StrictBool = True
    updated_at: Moment
    deleted: StrictBool = False


class Tombstone(_Wire):
    """A task that was deleted."""

    id: ExternalId
    updated_at: Moment


class TaskPage(_Wire):
    """One page, its records still unread: a wrong one must not take the others with it."""

    tasks: list[Any]
    next: str | None = None
    server_time: Moment


class TokenAnswer(_Wire):
    """A token server's answer (RFC 6749, section 5.1); ``expires_in`` is in seconds."""

    access_token: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$")] = Field(repr=False)
    token_type: Annotated[str, StringConstraints(pattern="^(?i:bearer)$")]
    expires_in: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class TokenRefusal(_Wire):
    """Why a token server gives no token (RFC 6749, section 5.2)."""

    error: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")]


@dataclass(frozen=True)
class Records:
    """
    The records of a page, read one by one.

    ``rejected_ids`` holds the ids that rejected records did tell; where one told none,
    ``all_named`` is False, and no one can say which task it was about.
    """

    deliveries: tuple[Delivery, ...]
    rejections: tuple[Rejection, ...]
    rejected_ids: frozenset[str]
    all_named: bool


def read_records(records: list[Any], *, owner: int, page: int) -> Records:
    """
    Read the records of page number ``page``, on which ``owner`` delivers.

    A wrong record is named by its id, or by its place when it does not tell an id.
    """
    deliveries: list[Delivery] = []
    rejections: list[Rejection] = []
    rejected_ids: list[str | None] = []
    for number, record in enumerate(records, start=1):
        try:
            deliveries.append(_delivery(record, owner))
        except ValidationError as error:
            external_id = _external_id(record)
            place = f"record {number} of page {page}"
            name = place if external_id is None else f"task {external_id!r}"
            rejections.append(Rejection(name, faults(error)))
            rejected_ids.append(external_id)
    return Records(
        deliveries=tuple(deliveries),
        rejections=tuple(rejections),
        rejected_ids=frozenset(filter(None, rejected_ids)),
        all_named=None not in rejected_ids,
    )


def faults(error: ValidationError) -> str:
    """Return what is wrong, key by key, without the values: they may be anything."""
    return "; ".join(
        f"{'.'.join(map(str, detail['loc'])) or 'all of it'}: "
        + detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
        for detail in error.errors(include_url=False, include_context=False, include_input=False)
    )


def _delivery(record: object, owner: int) -> Delivery:
    if isinstance(record, Mapping) and record.get("deleted") is True:
        tombstone = Tombstone.model_validate(record)
        return Delivery(tombstone.id, tombstone.updated_at, None)
    task = TaskRecord.model_validate(record)
    state = TaskState(
        display_name=task.name,
        project_phase=task.project_phase,
        department=task.department,
        discipline=task.discipline,
        is_active=task.is_active,
        source_updated_at=task.updated_at,
        owner=owner,
    )
    return Delivery(task.id, task.updated_at, state)


def _external_id(record: object) -> str | None:
    try:
        return _EXTERNAL_ID.validate_python(record["id"] if isinstance(record, Mapping) else None)
    except (ValidationError, KeyError):
        return None
