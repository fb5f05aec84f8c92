"""The task list, cut into pages by key."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Max, Q
from django.http import QueryDict
from pydantic import TypeAdapter, ValidationError

from timetracker.api.exceptions import ApiError
from timetracker.models import TaskCache
from timetracker.sync.contract import Moment
from timetracker.sync.engine.cursor import written

__all__ = ["Page", "Query", "list_state", "read_page"]

MAX_PAGE_SIZE = 500
DEFAULT_PAGE_SIZE = 100
_MOMENT = TypeAdapter[datetime](Moment)


@dataclass(frozen=True)
class Query:
    """What is asked for; ``after`` is the key of the last task of the page before."""

    page_size: int = DEFAULT_PAGE_SIZE
    updated_since: datetime | None = None
    after: tuple[datetime, int] | None = None

    @classmethod
    def of(cls, parameters: QueryDict) -> Self:
        """
        Read the query string; unknown parameters are ignored.

        Raises:
            ApiError: 400, for a value that makes no sense.
        """
        size = parameters.get("page_size", str(DEFAULT_PAGE_SIZE))
        if not size.isdecimal() or len(size) > 3 or not 1 <= int(size) <= MAX_PAGE_SIZE:
            raise _wrong("page_size", f"a number from 1 to {MAX_PAGE_SIZE}")
        since, after = parameters.get("updated_since"), parameters.get("after")
        return cls(
            page_size=int(size),
            updated_since=None if since is None else _moment(since, "updated_since"),
            after=None if after is None else _key(after),
        )


@dataclass(frozen=True)
class Page:
    """Some tasks in wire form, and the query string of the next page, empty after the last."""

    tasks: list[dict[str, Any]]
    next_query: str


def list_state() -> str:
    """
    Return a word that changes with every change of the list.

    The history counts too: a task that is deleted leaves no later ``updated_at`` behind.
    """
    changed = TaskCache.objects.aggregate(at=Max("updated_at"))["at"]
    recorded = TaskCache.history.aggregate(last=Max("history_id"))["last"]
    return f"{written(changed) if changed else 'empty'}/{recorded or 0}"


def read_page(query: Query) -> Page:
    """Return one page, in the order of the tasks' last changes."""
    tasks = TaskCache.objects.order_by("updated_at", "pk")
    if query.updated_since is not None:
        tasks = tasks.filter(updated_at__gte=query.updated_since)
    if query.after is not None:
        moment, key = query.after
        # The first condition says nothing new, and lets the database begin at the right place.
        tasks = tasks.filter(
            Q(updated_at__gt=moment) | Q(updated_at=moment, pk__gt=key), updated_at__gte=moment
        )
    # One more than asked for: it tells whether there is another page.
    rows = list(tasks[: query.page_size + 1])
    page = rows[: query.page_size]
    next_query = ""
    if len(rows) > len(page):
        last = f"{written(page[-1].updated_at)}~{page[-1].pk}"
        after = urlsafe_b64encode(last.encode()).decode()
        next_query = urlencode({"page_size": query.page_size, "after": after})
    return Page([_wire_form(task) for task in page], next_query)


def _wire_form(task: TaskCache) -> dict[str, Any]:
    return {
        "id": task.external_id,
        "name": task.display_name,
        "project_phase": task.project_phase,
        "department": task.department,
        "discipline": task.discipline,
        "is_active": task.is_active,
        "updated_at": written(task.updated_at),
    }


def _moment(value: str, name: str) -> datetime:
    try:
        return _MOMENT.validate_python(value)
    except ValidationError as error:
        raise _wrong(name, "a moment like 2026-03-02T08:15:00Z") from error


def _key(value: str) -> tuple[datetime, int]:
    try:
        moment, _, number = urlsafe_b64decode(value).decode().partition("~")
    except ValueError as error:
        raise _wrong("after", "as this API gave it") from error
    if not number.isdecimal() or len(number) > 18:
        raise _wrong("after", "as this API gave it")
    return _moment(moment, "after"), int(number)


def _wrong(name: str, expected: str) -> ApiError:
    return ApiError(400, "invalid_request", f"{name} must be {expected}.")
