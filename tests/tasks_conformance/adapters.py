"""The backends, and how each one is made to run what was enqueued."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from django_opskit.tasks import IMPLEMENTATION


@dataclass(frozen=True)
class Adapter:
    """
    One backend.

    ``run`` runs everything that is due, in this thread; None for a backend that runs nothing.
    ``runs_at_once`` says that ``enqueue`` itself does it, ``shares_results`` that any process can
    read a result, and ``needs_commits`` that the worker cannot work in a test's transaction.
    """

    name: str
    backend: str
    run: Callable[[], None] | None
    runs_at_once: bool = False
    shares_results: bool = False
    needs_commits: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return the ``TASKS`` that make it the default."""
        params = {"BACKEND": self.backend, "QUEUES": ["default", "other"], "OPTIONS": self.options}
        return {"default": params | changes}


def _run_outbox() -> None:
    from django_outbox.dispatcher import run_once

    while run_once():
        pass


def _run_django_tasks_db() -> None:
    from django_tasks_db.management.commands.db_worker import Worker

    Worker(
        queue_names=["*"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="the-worker",
        excluded_queue_names=[],
    ).run()


IMMEDIATE = Adapter(
    "immediate",
    f"{IMPLEMENTATION}.backends.immediate.ImmediateBackend",
    run=lambda: None,
    runs_at_once=True,
)
DUMMY = Adapter("dummy", f"{IMPLEMENTATION}.backends.dummy.DummyBackend", run=None)
OUTBOX = Adapter(
    "outbox",
    "django_outbox.tasks.OutboxBackend",
    run=_run_outbox,
    shares_results=True,
    # The API knows no retries: what fails is FAILED.
    options={"MAX_ATTEMPTS": 1},
)
DJANGO_TASKS_DB = Adapter(
    "django-tasks-db",
    "django_tasks_db.backend.DatabaseBackend",
    run=_run_django_tasks_db,
    shares_results=True,
    needs_commits=True,
)

ADAPTERS = [IMMEDIATE, DUMMY, OUTBOX]
if find_spec("django_tasks_db"):
    ADAPTERS.append(DJANGO_TASKS_DB)
