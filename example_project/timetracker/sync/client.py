"""The task list of a source, read page by page."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from timetracker.sync.caller import Caller, Timing
from timetracker.sync.conf import SyncSettings
from timetracker.sync.contract import TaskPage, faults
from timetracker.sync.credentials import credentials_for
from timetracker.sync.engine.addresses import normalised, origin, shown, with_query
from timetracker.sync.exceptions import AnswerError, SourceError
from timetracker.sync.reader import SourceReader, document
from timetracker.sync.transport import Reply

__all__ = ["Fetched", "TaskClient"]

# What the columns of TaskSource hold.
_MAX_URL_LENGTH = 512
_MAX_ETAG_LENGTH = 255


@dataclass(frozen=True)
class Fetched:
    """
    A whole answer, all pages of it; ``server_time`` is None when nothing has changed.

    ``server_time`` is the source's clock before it read the first task.
    """

    pages: tuple[list[Any], ...] = field(repr=False)
    etag: str
    server_time: datetime | None


class TaskClient:
    """
    Reads the task list at one address.

    What proves who we are goes to that address's scheme, host and port, and to the token
    endpoint of the settings. Wherever else an answer points, it does not go.

    Raises:
        SourceError: the address cannot be used, or the credentials belong to another one.
    """

    def __init__(self, url: str, conf: SyncSettings, *, timing: Timing | None = None) -> None:
        self.url = _usable(url, conf)
        self.conf = conf
        self.timing = timing or Timing()

    def fetch(
        self,
        *,
        updated_since: str = "",
        etag: str = "",
        alive: Callable[[], None] = lambda: None,
        on_page: Callable[[int], None] = lambda _tasks: None,
    ) -> Fetched:
        """
        Return the whole list, or with ``updated_since`` what has changed in it.

        Args:
            updated_since: a moment of the source's clock, or empty for everything.
            etag: of the last answer; while it holds, nothing is sent.
            alive: called before each attempt and each wait; see :class:`Caller`.
            on_page: called with the number of tasks on each page.

        Raises:
            FetchError: the list could not be read to its end.
        """
        parameters = {"page_size": str(self.conf.PAGE_SIZE)}
        if updated_since:
            parameters["updated_since"] = updated_since
        with closing(Caller(self.conf, timing=self.timing, alive=alive)) as caller:
            reader = SourceReader(self.url, caller, credentials_for(self.conf, caller, self.timing))
            first = reply = reader.get(with_query(self.url, parameters), etag=etag)
            if first.status == 304:
                return Fetched(pages=(), etag=etag, server_time=None)
            pages: list[TaskPage] = []
            seen = {first.url}
            while True:
                page = _page(reply)
                pages.append(page)
                on_page(len(page.tasks))
                if not page.next:
                    break
                url = reader.follow(reply.url, page.next)
                self._refuse_endless(url, seen)
                reply = reader.get(url)
        tasks = tuple(page.tasks for page in pages)
        return Fetched(tasks, _etag(first), pages[0].server_time)

    def _refuse_endless(self, url: str, seen: set[str]) -> None:
        if url in seen:
            raise AnswerError(f"Page {len(seen)} of {shown(self.url)} leads to an earlier page.")
        if len(seen) >= self.conf.MAX_PAGES:
            raise AnswerError(
                f"{shown(self.url)} has more than {len(seen)} pages. If that can be, raise "
                "MAX_PAGES or PAGE_SIZE in TIMETRACKER_SYNC."
            )
        seen.add(url)


def _page(reply: Reply) -> TaskPage:
    try:
        return TaskPage.model_validate(document(reply))
    except ValidationError as error:
        raise AnswerError(
            f"{shown(reply.url)} answered with JSON that is no page of tasks: {faults(error)}."
        ) from None


def _etag(reply: Reply) -> str:
    """Return the answer's ETag, or "" when it has none that we could keep and send again."""
    etag = reply.headers.get("ETag", "")
    return etag if len(etag) <= _MAX_ETAG_LENGTH and etag.isascii() and etag.isprintable() else ""


def _usable(url: str, conf: SyncSettings) -> str:
    if not url:
        raise SourceError(
            "No source is known: give --source, or set SOURCE in TIMETRACKER_SYNC or "
            "TIMETRACKER_SYNC_SOURCE in the environment."
        )
    try:
        address = normalised(url, allow_http=conf.ALLOW_HTTP)
    except ValueError as error:
        raise SourceError(f"The address of the source {error}.") from error
    if len(address) > _MAX_URL_LENGTH:
        raise SourceError(f"The source has {len(address)} characters, {_MAX_URL_LENGTH} fit.")
    if conf.has_credentials and conf.SOURCE and origin(conf.SOURCE) != origin(address):
        raise SourceError(
            f"The credentials in TIMETRACKER_SYNC are for {origin(conf.SOURCE)} and are not sent "
            f"to {origin(address)}. Set TIMETRACKER_SYNC_SOURCE and its credentials in the "
            "environment for this run."
        )
    return address
