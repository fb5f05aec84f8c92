"""How one attempt ended, and what is kept of one that did not succeed."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django_opskit.clock import ServerTime
from django_outbox.exceptions import FailNow
from django_outbox.models import OutboxAttempt, OutboxJob

__all__ = ["Failure", "RemoteError", "Result", "error_text", "error_type", "keep_failures"]

# The end of a traceback says most; a column of unbounded text would slow the whole table.
_ERROR_CHARACTERS = 8_000

_LONGEST_TYPE = 200


# Not frozen: that costs more than the rest of making one, for every job.
@dataclass(slots=True, eq=False)
class Result:
    """
    How one attempt ended.

    Attributes:
        seconds: how long the handler ran.
        error: what it raised; None when it returned.
        value: what it returned, for ``OutboxJob.result``; None when that is not kept.
        is_settled: whether the job was completed already, in the handler's own transaction.
    """

    job: OutboxJob
    seconds: float
    error: BaseException | None = None
    value: Any = None
    is_settled: bool = False


@dataclass(frozen=True)
class Failure:
    """
    What is written down about an attempt that did not succeed.

    Attributes:
        kind: the dotted path of the exception's class.
        text: the traceback, or a sentence.
        is_final: whether no further attempt shall follow.
    """

    kind: str
    text: str
    is_final: bool = False

    @classmethod
    def of(cls, error: BaseException, *, encoding: str = "utf-8") -> "Failure":
        """Return what is written down about ``error``, in characters of ``encoding``."""
        if isinstance(error, RemoteError):
            text = storable(error.failure.text, encoding)
            return cls(error.failure.kind, text, error.failure.is_final)
        text = error_text(error, encoding=encoding)
        return cls(error_type(error), text, isinstance(error, FailNow))

    def row(self, job: OutboxJob) -> OutboxAttempt:
        """Return the row that keeps it; :func:`keep_failures` stores some."""
        return OutboxAttempt(
            job_id=job.pk,
            claim_no=job.claim_no,
            attempt=job.attempts,
            worker=job.worker,
            started_at=job.started_at,
            ended_at=ServerTime(),
            error_type=self.kind,
            error=self.text,
        )


class RemoteError(Exception):
    """What a handler raised in another process; shows the traceback from there."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def keep_failures(rows: Iterable[OutboxAttempt], *, using: str) -> None:
    """Store attempts that did not succeed, in the transaction that changes their jobs."""
    # Claim numbers begin anew where a table was emptied: an old row must not stop a new job.
    OutboxAttempt.objects.using(using).bulk_create(rows, ignore_conflicts=True)


def error_type(error: BaseException | type[BaseException]) -> str:
    """Return the dotted path of an exception's class, its last 200 characters."""
    kind = error if isinstance(error, type) else type(error)
    return f"{kind.__module__}.{kind.__qualname__}"[-_LONGEST_TYPE:]


def error_text(error: BaseException, *, encoding: str = "utf-8") -> str:
    """Return the traceback of ``error``, its last 8,000 characters, fit for every database."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception as refusal:  # noqa: BLE001  # some errors defeat Python's own formatting
        text = f"{type(error).__qualname__} (its traceback cannot be shown: {refusal!r})"
    return storable(text, encoding)


def storable(text: str, encoding: str = "utf-8") -> str:
    """Return the last 8,000 characters of ``text``, without those that a database refuses."""
    # A lone surrogate cannot be stored as UTF-8.
    text = text.replace("\x00", "\\x00").encode(encoding, "backslashreplace").decode(encoding)
    return text if len(text) <= _ERROR_CHARACTERS else f"…{text[-_ERROR_CHARACTERS:]}"
