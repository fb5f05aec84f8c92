"""What ``worker_run`` does around its worker: the health file, the metrics, the supervisor."""

import dataclasses
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connections

from django_opskit.commands import OpsCommand, UsageError
from django_opskit.stopping import on_stop_signals
from django_outbox.management.worker_arguments import Outlets, child_command, child_environment
from django_outbox.services.execution import Result
from django_outbox.services.health import HealthFile
from django_outbox.services.metrics import MetricsServer, WorkerMetrics, require_prometheus
from django_outbox.services.settlement import Settled
from django_outbox.services.setup import WorkerOptions
from django_outbox.services.supervisor import ChildEvent, Supervisor, SupervisorOptions
from django_outbox.services.worker import Worker

__all__ = ["Observers", "observed_worker", "run_supervisor", "supervise"]


@dataclasses.dataclass
class Observers:
    """What watches a worker, besides the command itself."""

    metrics: WorkerMetrics | None = None
    server: MetricsServer | None = None
    health: HealthFile | None = None

    def on_look(self) -> None:
        """Show that the worker works."""
        if self.health is not None:
            self.health.touch()

    def on_results(self, results: Sequence[Result]) -> None:
        """Count how long the jobs ran."""
        if self.metrics is not None:
            self.metrics.note_results(results)

    def on_settled(self, settled: Settled) -> None:
        """Count what became of them."""
        if self.metrics is not None:
            self.metrics.note_settled(settled)


@contextmanager
def observed_worker(
    options: WorkerOptions,
    outlets: Outlets,
    on_settled: Callable[[Settled], None],
) -> Iterator[tuple[Worker, Observers]]:
    """
    Give a worker and what watches it; on the way out that is taken down.

    Raises:
        UsageError: the file cannot be written, or the port cannot be had.
    """
    seen = Observers()

    def settled_seen(settled: Settled) -> None:
        seen.on_settled(settled)
        on_settled(settled)

    worker = Worker(
        options, on_settled=settled_seen, on_results=seen.on_results, on_look=seen.on_look
    )
    try:
        if outlets.health_file:
            seen.health = HealthFile(outlets.health_file)
            seen.health.prepare()
        if outlets.metrics_port is not None:
            info = {"worker": worker.name, "host": socket.gethostname(), "pid": str(os.getpid())}
            info["queues"] = ",".join(worker.queues)
            seen.metrics = WorkerMetrics(info, using=worker.using)
            seen.server = MetricsServer(
                seen.metrics, port=outlets.metrics_port, address=outlets.metrics_address
            )
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        yield worker, seen
    finally:
        if seen.server is not None:
            seen.server.stop()
        if seen.health is not None:
            seen.health.remove()


def supervise(
    command: OpsCommand, options: WorkerOptions, outlets: Outlets, processes: int
) -> Supervisor:
    """
    Return a supervisor of so many children with these options.

    Raises:
        UsageError: what every child would need is not there.
    """
    try:
        if outlets.health_file:
            HealthFile(outlets.health_file).prepare()
        if outlets.metrics_port is not None:
            require_prometheus()
    except ValueError as error:
        raise UsageError(str(error)) from error
    from_command_line = command._called_from_command_line
    return Supervisor(
        SupervisorOptions(
            processes=processes,
            command=lambda number: child_command(
                number,
                options,
                outlets,
                from_command_line=from_command_line,
                json=command.json_output,
            ),
            environment=child_environment(from_command_line=from_command_line),
            drain=options.drain,
            grace_seconds=options.grace_seconds,
            poll_seconds=options.poll_seconds,
            health_file=Path(outlets.health_file) if outlets.health_file else None,
        ),
        on_child=lambda event: _tell(command, event),
    )


def run_supervisor(command: OpsCommand, supervisor: Supervisor) -> None:
    """Run it until it is told to stop; its lines begin with "supervisor"."""
    if command._called_from_command_line:
        # The system checks opened one, and a supervisor asks the database nothing.
        connections.close_all()
    with on_stop_signals(supervisor.stop, supervisor.stop_now):
        report = supervisor.run()
    command.counters = {"started": report.started, "died": report.died, "killed": report.killed}
    command.result(
        {"event": "supervisor_stopped", **command.counters},
        f"supervisor: stopped, {report.started} workers started, {report.died} died, "
        f"{report.killed} killed.",
    )
    if report.killed:
        raise CommandError(f"{report.killed} workers did not stop in time and were killed.")
    if not report.is_clean:
        raise CommandError("A worker did not stop cleanly: its status stands above.")


def _tell(command: OpsCommand, event: ChildEvent) -> None:
    facts = {key: value for key, value in dataclasses.asdict(event).items() if value is not None}
    what = "started" if event.event == "child_started" else f"ended with status {event.status}"
    again = "" if event.restart_seconds is None else f", again in {event.restart_seconds:g} s"
    command.result(facts, f"supervisor: worker {event.child} (pid {event.pid}) {what}{again}.")
