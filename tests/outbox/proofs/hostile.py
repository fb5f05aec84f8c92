"""Handlers that do their worst; each has the job type of its name in capitals."""

import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection, connections, transaction

from django_outbox.handlers import handler
from django_outbox.models import OutboxJob

__all__ = ["register"]

_leaked: list[Any] = []


def register() -> None:
    """Register them, since only a module named outbox_handlers is looked for."""
    for function in _PLAIN:
        _registered(function)
    _registered(use_all_memory, process=True)
    _registered(close_all_files, process=True)
    _registered(return_too_much, keep_result=True)
    _registered(return_no_json, keep_result=True)
    _registered(commit_atomically, atomic=True)


def _registered(function: Callable[[OutboxJob], object], **options: Any) -> None:
    handler(function.__name__.upper(), **options)(function)


def raise_generator_exit(job: OutboxJob) -> None:
    """Raise what is no Exception."""
    raise GeneratorExit


def raise_own_base_exception(job: OutboxJob) -> None:
    """Raise what nobody has heard of."""
    raise type("Unheard", (BaseException,), {})("of")


def leak_connections(job: OutboxJob) -> None:
    """Open connections in threads of its own, which end without closing them."""

    def leak() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        _leaked.append(connection.connection)

    threads = [threading.Thread(target=leak) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def close_connection(job: OutboxJob) -> None:
    """Close the driver's connection behind Django's back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.connection.close()


def fail_in_transaction(job: OutboxJob) -> None:
    """Leave a broken transaction behind, and wrappers on the connection."""
    connections["default"].execute_wrappers.clear()
    transaction.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column FROM outbox_job")


def begin_by_hand(job: OutboxJob) -> None:
    """Write in a transaction that Django knows nothing of, and leave it open."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE outbox_job SET progress = NULL WHERE id = %s", [job.pk])


def start_endless_thread(job: OutboxJob) -> None:
    """Start a thread that Python waits for at its exit."""
    threading.Thread(target=time.sleep, args=(3600,), daemon=False).start()


def recurse(job: OutboxJob) -> None:
    """Fill the stack."""
    recurse(job)


def raise_huge_error(job: OutboxJob) -> None:
    """Raise with ten million characters, of which some cannot be stored."""
    raise ValueError("\x00\ud800€" + "x" * 10_000_000)


def change_directory(job: OutboxJob) -> None:
    """Leave the process where no module is found, and with little patience."""
    os.chdir("/")
    socket.setdefaulttimeout(0.001)


def silence(job: OutboxJob) -> None:
    """Close what the worker would write to."""
    sys.stdout = sys.stderr = None


def tear_up_job(job: OutboxJob) -> None:
    """Overwrite all that the report could be made of."""
    job.__dict__.clear()


def measure_payload(job: OutboxJob) -> None:
    """Write down how long the payload's text was."""
    Path(job.payload["log"]).write_text(str(len(job.payload["text"])), encoding="utf-8")


def use_all_memory(job: OutboxJob) -> None:
    """Take more memory than the process may have."""
    limit = 1_000_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    _leaked.append(b"x" * 2 * limit)


def close_all_files(job: OutboxJob) -> None:
    """Close every file of the process, its line to the worker included."""
    os.closerange(0, 256)


def return_too_much(job: OutboxJob) -> str:
    """Return ten million characters, to be kept."""
    return "x" * 10_000_000


def return_no_json(job: OutboxJob) -> object:
    """Return what cannot be kept."""
    return {"lock": threading.Lock()}


def commit_atomically(job: OutboxJob) -> None:
    """End the transaction that is not its own."""
    with connection.cursor() as cursor:
        cursor.execute("COMMIT")


_PLAIN = [
    raise_generator_exit,
    raise_own_base_exception,
    leak_connections,
    close_connection,
    fail_in_transaction,
    begin_by_hand,
    start_endless_thread,
    recurse,
    raise_huge_error,
    change_directory,
    silence,
    tear_up_job,
    measure_payload,
]
