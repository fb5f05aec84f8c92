"""Handlers that the tests run, some of them in real worker processes."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django_outbox.handlers import handler
from django_outbox.models import OutboxJob


def note(job: OutboxJob, word: str) -> None:
    """Append a line to the file that the payload names; one write, so lines never mix."""
    line = f"{word} {job.pk} {job.attempts} {os.getpid()}\n"
    with Path(job.payload["log"]).open("a", encoding="utf-8") as log:
        log.write(line)


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return what :func:`note` has written so far."""
    if not path.exists():
        return []
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        {"word": word, "job": int(job), "attempt": int(attempt), "pid": int(pid)}
        for word, job, attempt, pid in rows
    ]


@handler("TEST_JOB")
def succeed(job: OutboxJob) -> None:
    """Do nothing, well."""


@handler("NOTE")
def write_note(job: OutboxJob) -> None:
    """Leave a trace."""
    note(job, "done")


@handler("SLOW_NOTE")
def write_note_slowly(job: OutboxJob) -> None:
    """Leave a trace at the beginning and, ``seconds`` later, at the end."""
    note(job, "began")
    time.sleep(job.payload["seconds"])
    note(job, "done")


@handler("FAIL")
def fail(job: OutboxJob) -> None:
    """Raise, with characters in the message that databases refuse."""
    raise ValueError("no luck \x00 today")


@handler("EXIT")
def leave(job: OutboxJob) -> None:
    """Try to end the worker from inside."""
    raise SystemExit(3)


@handler("KILL_WORKER")
def kill_worker(job: OutboxJob) -> None:
    """End the process as the kernel does when memory is out."""
    note(job, "began")
    os.kill(os.getpid(), signal.SIGKILL)


@handler("LEAVE_TRANSACTION_OPEN")
def leave_transaction_open(job: OutboxJob) -> None:
    """Leave the thread's connection in the middle of a transaction."""
    from django.db import connection, transaction

    transaction.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@handler("ASK_DATABASE")
def ask_database(job: OutboxJob) -> None:
    """Need the thread's connection."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@handler("FORK")
def fork(job: OutboxJob) -> None:
    """Fork as programs did in 1985, the child leaving as if it were the only one."""
    child = os.fork()
    if child == 0:
        note(job, "child")
        raise SystemExit(0)
    note(job, "parent")


@handler("POOL")
def wait_in_a_pool(job: OutboxJob) -> None:
    """Leave the work to a pool of threads, as asyncio.to_thread() does."""
    with ThreadPoolExecutor() as pool:
        pool.submit(time.sleep, job.payload["seconds"])
        note(job, "began")
