"""``manage.py worker_run``: a worker, until it is told to stop."""

import dataclasses
import logging
import os
import threading
from typing import Any

from django.core.management.base import CommandParser
from django.db import DatabaseError, InterfaceError

from django_opskit.commands import OpsCommand, UsageError
from django_opskit.stopping import on_stop_signals
from django_outbox.management.worker_arguments import (
    Outlets,
    add_worker_arguments,
    checked_processes,
)
from django_outbox.management.worker_running import observed_worker, run_supervisor, supervise
from django_outbox.services.foreground import run_in_foreground
from django_outbox.services.metrics import MetricsServer
from django_outbox.services.settlement import Settled
from django_outbox.services.setup import WorkerOptions, worker_options
from django_outbox.services.supervised import obey_supervisor
from django_outbox.services.supervisor import Supervisor
from django_outbox.services.worker import Worker, WorkerReport

logger = logging.getLogger(__name__)

# How long threads that a handler left behind may hold up the exit of the process.
_LEAVE_WITHIN_SECONDS = 3.0


class Command(OpsCommand):
    """Run outbox jobs: SIGTERM or Ctrl-C lets running ones finish, a second one does not."""

    help = "Run outbox jobs until SIGTERM or Ctrl-C."

    #: The worker of this run, so that a program that called handle() can stop it.
    worker: Worker | None = None
    #: With more than one process, what watches them, to be stopped in the same way.
    supervisor: Supervisor | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; each default is the one in :meth:`handle`."""
        add_worker_arguments(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program, whose end no handler that never returns can hold up."""
        status: object = 0
        try:
            super().run_from_argv(argv)
        except SystemExit as leaving:
            status = leaving.code
            raise
        finally:
            # At its exit Python waits for the threads of each ThreadPoolExecutor.
            if self.worker is not None and self.worker.has_running_handlers:
                os._exit(status if isinstance(status, int) else 1)
            _leave_soon(status if isinstance(status, int) else 1)

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Check the site, without the database while that is away: the worker waits for it."""
        try:
            super().check(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("no system checks, since the database does not answer: %s", error)

    def handle(  # noqa: PLR0913  # each option of worker_run, with its default
        self,
        *args: Any,
        poll_seconds: float = 2.0,
        max_jobs: int = 50,
        concurrency: int = 1,
        processes: int = 1,
        queues: str = "",
        grace: float | None = None,
        lease_seconds: float | None = None,
        drain: bool = False,
        health_file: str = "",
        metrics_port: int | None = None,
        metrics_address: str = "127.0.0.1",
        **options: Any,
    ) -> None:
        """Work until stopped; may be called from any thread."""
        try:
            checked = worker_options(
                poll_seconds=poll_seconds,
                max_jobs=max_jobs,
                concurrency=concurrency,
                queues=[name.strip() for name in queues.split(",") if name.strip()],
                drain=drain,
                grace_seconds=grace,
                lease_seconds=lease_seconds,
            )
        except ValueError as error:
            raise UsageError(str(error)) from error
        outlets = Outlets(health_file, metrics_port, metrics_address)
        if checked_processes(processes, metrics_port) > 1:
            self.supervisor = supervise(self, checked, outlets, processes)
            run_supervisor(self, self.supervisor)
        else:
            self._work(checked, outlets)

    def _work(self, options: WorkerOptions, outlets: Outlets) -> None:
        with observed_worker(options, outlets, self._on_settled) as (worker, seen):
            self.worker = worker
            obey_supervisor(stop=worker.stop, stop_now=worker.stop_now)
            with on_stop_signals(worker.stop, worker.stop_now):
                self._started(worker, seen.server)
                # Called from Python, it keeps to the caller's thread and connection.
                run = run_in_foreground if self._called_from_command_line else Worker.run
                self._finished(run(worker))

    def _started(self, worker: Worker, server: MetricsServer | None) -> None:
        facts = {"event": "started", "worker": worker.name, "queues": worker.queues}
        lines = [f"Worker {worker.name} started, queues: {', '.join(worker.queues)}."]
        if server is not None:
            facts["metrics"] = f"http://{server.address}:{server.port}/metrics"
            lines.append(f"Metrics at {facts['metrics']}.")
        self.result(facts, *lines)

    def _on_settled(self, settled: Settled) -> None:
        if self.json_output:
            self.emit({"event": "settled", **dataclasses.asdict(settled)})

    def _finished(self, report: WorkerReport) -> None:
        self.counters = {**dataclasses.asdict(report.settled), "returned": report.returned}
        done = ", ".join(f"{count} {name}" for name, count in self.counters.items() if count)
        self.result(
            {"event": "stopped", **self.counters}, f"Worker stopped: {done or 'nothing done'}."
        )


def _leave_soon(status: int) -> None:
    """
    End the process in a few seconds, should its exit not do so.

    Python waits for every thread that is no daemon, and a handler may have left one that never
    ends. Others, such as an idle pool's, end in time, and then the process leaves as usual.
    """
    left = [one for one in threading.enumerate() if one is not threading.main_thread()]
    if all(one.daemon for one in left):
        return
    watchdog = threading.Timer(_LEAVE_WITHIN_SECONDS, os._exit, [status])
    watchdog.daemon = True
    watchdog.start()
