"""
The published door: store a job, run what is due, cancel or repeat it.

``enqueue`` stores a job in the caller's transaction and ``enqueue_many`` many of them;
``cancel``, ``run_now`` and ``run_again`` do with jobs, by their ids, what the admin does;
``run_once`` makes one pass in this process and ``run_forever`` is a worker.
"""

from django_opskit.stopping import on_stop_signals
from django_outbox.services.enqueueing import Enqueued, JobSpec, enqueue, enqueue_many
from django_outbox.services.operations import Rerun, cancel, run_again, run_now
from django_outbox.services.setup import worker_options
from django_outbox.services.single_pass import run_once
from django_outbox.services.worker import Worker, WorkerReport

__all__ = [
    "Enqueued",
    "JobSpec",
    "Rerun",
    "cancel",
    "enqueue",
    "enqueue_many",
    "run_again",
    "run_forever",
    "run_now",
    "run_once",
]


def run_forever(poll_seconds: float = 2.0, max_jobs: int = 50) -> WorkerReport:
    """
    Be a worker until SIGTERM or SIGINT; return what was done.

    On the main thread the first signal lets running handlers finish and the second stops at
    once. Elsewhere no signal is touched, and only the end of the process ends it.
    """
    worker = Worker(worker_options(poll_seconds=poll_seconds, max_jobs=max_jobs))
    with on_stop_signals(worker.stop, worker.stop_now):
        return worker.run()
