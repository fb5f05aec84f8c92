"""``manage.py worker_run``: a worker, until it is told to stop."""

import dataclasses
import logging
import os
from typing import Any

from django.core.management.base import CommandParser
from django.db import DatabaseError, InterfaceError

from django_opskit.commands import OpsCommand, UsageError
from django_opskit.stopping import on_stop_signals
from django_outbox.services.foreground import run_in_foreground
from django_outbox.services.settlement import Settled
from django_outbox.services.setup import worker_options
from django_outbox.services.worker import Worker, WorkerReport

logger = logging.getLogger(__name__)


class Command(OpsCommand):
    """Run outbox jobs: SIGTERM or Ctrl-C lets running ones finish, a second one does not."""

    help = "Run outbox jobs until SIGTERM or Ctrl-C."

    #: The worker of this run, so that a program that called handle() can stop it.
    worker: Worker | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; each default is the one in :meth:`handle`."""
        parser.add_argument(
            "--poll-seconds",
            type=float,
            default=2.0,
            help="Wait between looks when nothing is due (default: 2.0).",
        )
        parser.add_argument(
            "--max-jobs", type=int, default=50, help="Most jobs taken in one look (default: 50)."
        )
        parser.add_argument(
            "--concurrency", type=int, default=1, help="Handlers side by side (default: 1)."
        )
        parser.add_argument(
            "--queues",
            default="",
            help="Comma-separated queues to work on (default: all of OUTBOX['QUEUES']).",
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=None,
            metavar="SECONDS",
            help="How long running jobs may finish after SIGTERM "
            "(default: OUTBOX['GRACE_SECONDS']).",
        )
        parser.add_argument(
            "--drain", action="store_true", help="Exit when nothing is due any more."
        )

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

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Check the site, without the database while that is away: the worker waits for it."""
        try:
            super().check(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("no system checks, since the database does not answer: %s", error)

    def handle(
        self,
        *args: Any,
        poll_seconds: float = 2.0,
        max_jobs: int = 50,
        concurrency: int = 1,
        queues: str = "",
        grace: float | None = None,
        drain: bool = False,
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
            )
        except ValueError as error:
            raise UsageError(str(error)) from error
        self.worker = worker = Worker(checked, on_settled=self._on_settled)
        with on_stop_signals(worker.stop, worker.stop_now):
            self.result(
                {"event": "started", "worker": worker.name, "queues": worker.queues},
                f"Worker {worker.name} started, queues: {', '.join(worker.queues)}.",
            )
            # Called from Python, it keeps to the caller's thread and connection.
            run = run_in_foreground if self._called_from_command_line else Worker.run
            self._finished(run(worker))

    def _on_settled(self, settled: Settled) -> None:
        if self.json_output:
            self.emit({"event": "settled", **dataclasses.asdict(settled)})

    def _finished(self, report: WorkerReport) -> None:
        self.counters = {**dataclasses.asdict(report.settled), "returned": report.returned}
        done = ", ".join(f"{count} {name}" for name, count in self.counters.items() if count)
        self.result(
            {"event": "stopped", **self.counters}, f"Worker stopped: {done or 'nothing done'}."
        )
