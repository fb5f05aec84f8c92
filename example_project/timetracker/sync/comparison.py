"""What a source sent, against the tasks that we have."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from timetracker.models import TaskCache, TaskSource
from timetracker.sync.client import TaskClient
from timetracker.sync.contract import read_records
from timetracker.sync.engine.cursor import earlier
from timetracker.sync.engine.plan import (
    Action,
    Delivery,
    Plan,
    Rejection,
    is_too_many,
    latest_of_each,
    plan_changes,
)
from timetracker.sync.exceptions import GuardError
from timetracker.sync.task_cache import count_active, known_tasks, state_of

__all__ = ["Comparison", "Sent", "compare", "read"]

# The owner of tasks in a dry run of a source that has no row yet; no row has this key.
_NO_ROW = 0


@dataclass(frozen=True)
class Sent:
    """
    Everything that the source sent, read record by record.

    ``rejected_ids`` holds the tasks whose record was rejected; with ``all_named`` these are
    all of them. ``server_time`` is None when nothing has changed.
    """

    is_full: bool
    deliveries: dict[str, Delivery]
    rejections: tuple[Rejection, ...]
    rejected_ids: frozenset[str]
    all_named: bool
    etag: str
    server_time: datetime | None


@dataclass(frozen=True)
class Comparison:
    """
    What is to change, and the rows concerned by their id at the source.

    ``left_active`` counts the tasks that the whole list no longer held and that stay as they
    are, because a record that tells no id may be one of them.
    """

    plan: Plan
    rows: dict[str, TaskCache]
    left_active: int


def read(
    client: TaskClient,
    source: TaskSource,
    *,
    is_full: bool,
    alive: Callable[[], None],
    on_page: Callable[[int], None],
) -> Sent:
    """
    Read the whole list, or what has changed since the last run.

    A whole list is always sent: that it has not changed there does not say that nobody
    changed it here.

    Raises:
        FetchError: see :meth:`TaskClient.fetch`.
    """
    since = "" if is_full else earlier(source.cursor, client.conf.OVERLAP_SECONDS)
    etag = "" if is_full else source.etag
    fetched = client.fetch(updated_since=since, etag=etag, alive=alive, on_page=on_page)
    pages = [
        read_records(records, owner=source.pk or _NO_ROW, page=number)
        for number, records in enumerate(fetched.pages, start=1)
    ]
    return Sent(
        is_full=is_full,
        deliveries=latest_of_each(one for page in pages for one in page.deliveries),
        rejections=tuple(one for page in pages for one in page.rejections),
        rejected_ids=frozenset(one for page in pages for one in page.rejected_ids),
        all_named=all(page.all_named for page in pages),
        etag=fetched.etag,
        server_time=fetched.server_time,
    )


def compare(sent: Sent, source: TaskSource, *, limit_percent: int, lock: bool) -> Comparison:
    """
    Find out what has to change; with ``lock`` nobody changes those rows until the commit.

    Raises:
        GuardError: more than ``limit_percent`` of the source's active tasks would be deactivated.
    """
    owner = source.pk or _NO_ROW
    rows = known_tasks(list(sent.deliveries), all_of=owner if sent.is_full else None, lock=lock)
    # Rows that nobody asked for by id are this source's own, and there only in a full run.
    vanished = [
        external_id
        for external_id, task in rows.items()
        if task.is_active
        and external_id not in sent.deliveries
        and external_id not in sent.rejected_ids
    ]
    plan = plan_changes(
        list(sent.deliveries.values()),
        {external_id: state_of(task) for external_id, task in rows.items()},
        owner=owner,
        vanished=vanished if sent.all_named else (),
        take_older=sent.is_full,
    )
    _guard(plan, owner, limit_percent)
    return Comparison(
        plan=replace(plan, rejections=(*sent.rejections, *plan.rejections)),
        rows=rows,
        left_active=0 if sent.all_named else len(vanished),
    )


def _guard(plan: Plan, owner: int, limit_percent: int) -> None:
    lost = [change for change in plan.changes if change.action is Action.DEACTIVATED]
    if not lost:
        return
    # Those taken over in this run are not yet counted as the source's.
    taken_over = sum(change.before is not None and change.before.owner is None for change in lost)
    # At least those: a dry run locks nothing, and another run may have just closed some.
    active = max(len(lost), count_active(owner) + taken_over)
    if is_too_many(len(lost), active, percent=limit_percent):
        raise GuardError(
            f"{len(lost)} of {active} active tasks would be deactivated, more than "
            f"{limit_percent} %, so nothing was changed. If the source is right, run with "
            f"--max-deactivate-percent {-(-100 * len(lost) // active)}."
        )
