"""Handlers that the tests run, some of them in real worker processes."""

import os
import secrets
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django_outbox.exceptions import LeaseLost
from django_outbox.handlers import (
    FailNow,
    Snooze,
    current_job,
    ensure_lease,
    handler,
    set_progress,
)
from django_outbox.models import Inbox, OutboxJob
from tests.outbox.proofs import hostile, killing


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


@handler("PROCESS_NOTE", process=True)
def write_note_elsewhere(job: OutboxJob) -> None:
    """Leave a trace from the handler's own process."""
    note(job, "done")


@handler("PROCESS_SLOW_NOTE", process=True)
def write_note_elsewhere_slowly(job: OutboxJob) -> None:
    """Leave a trace at the beginning and, ``seconds`` later, at the end."""
    note(job, "began")
    time.sleep(job.payload["seconds"])
    note(job, "done")


@handler("PROCESS_TIMEOUT", process=True, timeout_seconds=0.5)
def hang_elsewhere(job: OutboxJob) -> None:
    """Never return."""
    note(job, "began")
    time.sleep(600)


@handler("PROCESS_DIE", process=True)
def die_elsewhere(job: OutboxJob) -> None:
    """End the handler's process in the way that the payload says."""
    if "signal" in job.payload:
        os.kill(os.getpid(), job.payload["signal"])
        time.sleep(600)
    os._exit(job.payload["status"])


@handler("PROCESS_RAISE", process=True)
def raise_elsewhere(job: OutboxJob) -> None:
    """Raise what the payload names."""
    errors: dict[str, BaseException] = {
        "ValueError": ValueError("not here"),
        "FailNow": FailNow("never"),
        "Snooze": Snooze(600),
        "SystemExit": SystemExit(3),
    }
    raise errors[job.payload["error"]]


@handler("PROCESS_RESULT", process=True, keep_result=True)
def answer_elsewhere(job: OutboxJob) -> dict[str, object]:
    """Tell about the process."""
    set_progress(1, 2, "halfway")
    return {"pid": os.getpid(), "job": current_job().pk}


@handler("PROCESS_ATOMIC", process=True, atomic=True)
def write_elsewhere_exactly_once(job: OutboxJob) -> None:
    """Write a row, and die before it is committed if the payload says so."""
    Inbox.objects.create(message_id=f"job-{job.pk}")
    if job.payload.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)


@handler("PROCESS_ASYNC", process=True, keep_result=True)
async def answer_elsewhere_async(job: OutboxJob) -> int:
    """Count jobs in an event loop in another process."""
    return await OutboxJob.objects.acount()


@handler("ATOMIC_NOTE", atomic=True)
def write_row_exactly_once(job: OutboxJob) -> None:
    """Write a row that can be written only once; slowly, so that somebody may interfere."""
    Inbox.objects.create(message_id=f"job-{job.pk}")
    note(job, "began")
    time.sleep(job.payload["seconds"])


@handler("FAIL_FIRST")
def fail_first(job: OutboxJob) -> None:
    """Succeed at the second attempt."""
    note(job, "began")
    if job.attempts == 1:
        raise ValueError("not yet")


@handler("WAIT_FOR_FILE")
def wait_for_file(job: OutboxJob) -> None:
    """
    Run until there is a file for this attempt, ``until`` and a dot and the attempt's number.

    With ``asks`` it asks for its lease meanwhile, and leaves a trace when that is lost.
    """
    note(job, "began")
    until = Path(f"{job.payload['until']}.{job.attempts}")
    while not until.exists():
        time.sleep(0.02)
        if job.payload["asks"]:
            try:
                ensure_lease()
            except LeaseLost:
                note(job, "lost")
                raise
    note(job, "done")


@handler("COUNT_ONCE", atomic=True)
def count_once(job: OutboxJob) -> None:
    """Write a row each time that this runs; there shall be one in the end."""
    Inbox.objects.create(consumer=secrets.token_hex(8), message_id=f"job-{job.pk}")
    time.sleep(job.payload["seconds"])


hostile.register()
# Where a proof has asked for it, this worker ends itself at a certain statement.
killing.install()
