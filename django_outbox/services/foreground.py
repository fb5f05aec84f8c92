"""A worker that has a process to itself."""

import logging
import threading

from django.db import connections

from django_outbox.services.worker import Worker, WorkerReport

__all__ = ["run_in_foreground"]

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.5


def run_in_foreground(worker: Worker) -> WorkerReport:
    """
    Run ``worker`` in a thread and return its report, or raise what ended it.

    The calling thread, the main one, does nothing but hear signals. Python runs their handlers
    there alone and between bytecodes, so a statement that waits for a lock would deafen it. When
    a stopped worker is overdue it is left behind, and its jobs come back when their leases end.
    """
    errors: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            worker.run()
        except BaseException as error:  # noqa: BLE001  # raised again by the caller
            errors.append(error)
        finally:
            connections.close_all()
            done.set()

    threading.Thread(target=work, name="outbox-worker", daemon=True).start()
    while not done.wait(_LOOK_EVERY_SECONDS):
        if worker.is_overdue:
            logger.error("worker=%s did not stop in time: a statement hangs", worker.name)
            break
    if errors:
        raise errors[0]
    return worker.report
