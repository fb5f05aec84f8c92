"""
Our own outbox.

Options: ``max_jobs``, ``concurrency``, ``outbox`` (the setting) and ``api`` (``enqueue`` or
``tasks``: through Django's Tasks API).
"""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from django.db import connection, transaction

from benchmarks.programs import django_site, rows
from benchmarks.programs.protocol import OPTIONS, Program, main
from django_outbox.dispatcher import JobSpec, enqueue, enqueue_many
from django_outbox.management.commands.worker_run import Command

API = OPTIONS.get("api", "enqueue")


class Outbox(Program):
    """``worker_run`` and the published functions."""

    def version(self) -> str:
        """Return ours and Django's."""
        return f"django-opskit {version('django-opskit')} on Django {version('Django')}"

    def prepare(self) -> None:
        """Migrate."""
        django_site.migrate()

    def reset(self) -> None:
        """Forget all jobs."""
        rows.clear()

    def fill(self, count: int, seconds: float) -> None:
        """Store rows in SQL; the last one through the API, which wakes the workers."""
        if API == "tasks":
            with transaction.atomic():
                self._enqueue(1, seconds)
                rows.clone_last(count - 1)
            return
        rows.insert_many(count - 1, seconds=seconds)
        self._enqueue(count, seconds)

    def enqueue(self, number: int) -> None:
        """Store one job."""
        self._enqueue(number, 0.0)

    def bulk(self, count: int) -> None:
        """Store many in one transaction."""
        if API == "tasks":
            with transaction.atomic():
                for number in range(1, count + 1):
                    self._enqueue(number, 0.0)
        else:
            numbers = range(1, count + 1)
            enqueue_many(JobSpec("BENCH", payload=rows.as_json(number)) for number in numbers)

    def work(self) -> None:
        """Be ``manage.py worker_run``."""
        options = [
            f"--max-jobs={OPTIONS.get('max_jobs', 50)}",
            f"--concurrency={OPTIONS.get('concurrency', 1)}",
        ]
        django_site.command("worker_run", *options)

    def insert_finished(self, count: int) -> None:
        """Store rows in SQL, and let the planner know."""
        rows.insert_many(count, status="COMPLETED")
        django_site.execute("VACUUM ANALYZE outbox_job")

    def measure_claims(self, most: int) -> dict[str, Any]:
        """
        Let a worker in this process drain until nothing is due, or for ``most`` claims.

        Returns the milliseconds of each statement that claimed, in their order, and the jobs.
        Commits do not wait for the disk: that wait is the same in every table, and longer than
        what is measured.
        """
        worker_run = Command()
        durations: list[float] = []

        def timed(
            run: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any
        ) -> Any:
            begun = time.perf_counter()
            try:
                return run(sql, parameters, many, context)
            finally:
                if "SKIP LOCKED" in sql:
                    durations.append((time.perf_counter() - begun) * 1e3)
                    if len(durations) >= most and worker_run.worker:
                        worker_run.worker.stop()

        django_site.execute("SET synchronous_commit = off")
        with connection.execute_wrapper(timed):
            worker_run.handle(max_jobs=OPTIONS.get("max_jobs", 50), drain=True)
        return {"claims": durations, "jobs": worker_run.counters["completed"]}

    def _enqueue(self, number: int, seconds: float) -> None:
        if API == "tasks":
            from benchmarks.site.tasks import bench

            bench.enqueue(number, seconds)
        else:
            enqueue("BENCH", payload=rows.as_json(number, seconds))


if __name__ == "__main__":
    main(Outbox())
