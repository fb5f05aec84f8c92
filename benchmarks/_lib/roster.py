"""Who is measured; scripts pick from here, so that a contender is the same everywhere."""

from collections.abc import Mapping
from typing import Any

from benchmarks._lib.contenders import Contender
from benchmarks._lib.databases import PREFIX
from benchmarks._lib.peers import CELERY, OBAN, PGQUEUER, PROCRASTINATE, TASKS_DB
from tests.services import RABBITMQ, REDIS

__all__ = [
    "SERVER_NAMES",
    "celery",
    "oban",
    "outbox",
    "outbox_tasks",
    "pgqueuer",
    "procrastinate",
    "raw_django",
    "raw_psycopg",
    "tasks_db",
]

#: How tables call the databases.
SERVER_NAMES = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}


def outbox(batch: int = 50, *, server: str = "postgresql", **options: Any) -> Contender:
    """Our worker, claiming up to ``batch`` jobs at once."""
    name = f"outbox, batch {batch}{_elsewhere(server)}"
    return Contender(name, "outbox", server, options={"max_jobs": batch, **options}, jobs=20_000)


def outbox_tasks(batch: int = 50) -> Contender:
    """Our worker, with jobs that Django's Tasks API stores."""
    options = {"max_jobs": batch, "api": "tasks"}
    name = f"outbox through django.tasks, batch {batch}"
    return Contender(name, "outbox", options=options, jobs=15_000)


def raw_django(batch: int = 50, *, server: str = "postgresql") -> Contender:
    """Statements by hand on Django's cursor."""
    name = f"raw Django cursor, batch {batch}{_elsewhere(server)}"
    return Contender(name, "raw_django", server, options={"batch": batch}, jobs=30_000)


def raw_psycopg(batch: int = 50, *, listen: bool = False) -> Contender:
    """Statements by hand on psycopg."""
    name = "raw psycopg, LISTEN/NOTIFY" if listen else f"raw psycopg, batch {batch}"
    return Contender(name, "raw_psycopg", options={"batch": batch, "listen": listen}, jobs=30_000)


def pgqueuer(batch: int = 10) -> Contender:
    """Its driver is the one of its manual, asyncpg; its default batch is 10."""
    jobs = 8_000 if batch < 50 else 20_000
    options = {"batch": batch}
    return Contender(
        f"pgqueuer, batch {batch}", "pgqueuer_peer", peer=PGQUEUER, options=options, jobs=jobs
    )


def oban(limit: int = 10) -> Contender:
    """Oban for Python; the limit is that of the example in its manual."""
    options = {"limit": limit}
    return Contender(f"oban, limit {limit}", "oban_peer", peer=OBAN, options=options, jobs=4_000)


def celery(server: str, *, concurrency: int = 1) -> Contender:
    """Celery with acks_late and one child process, on redis or rabbitmq."""
    urls = {
        "redis": f"redis://{REDIS.address}/15",
        "rabbitmq": f"amqp://{RABBITMQ.setting('USER', 'guest')}:"
        f"{RABBITMQ.setting('PASSWORD', 'guest')}@{RABBITMQ.address}//",
    }
    options = {"broker": urls[server], "queue": f"{PREFIX}celery", "concurrency": concurrency}
    name = {"redis": "Redis", "rabbitmq": "RabbitMQ"}[server]
    return Contender(
        f"celery, {name}, acks_late", "celery_peer", server, CELERY, options=options, jobs=2_000
    )


def procrastinate(concurrency: int = 1) -> Contender:
    """procrastinate; its default concurrency is 1."""
    options = {"concurrency": concurrency}
    name = f"procrastinate, concurrency {concurrency}"
    return Contender(name, "procrastinate_peer", peer=PROCRASTINATE, options=options, jobs=1_000)


def tasks_db(conn_max_age: int = 0) -> Contender:
    """django-tasks-db; with Django's default it connects anew for each job."""
    options: Mapping[str, Any] = {"app": "django_tasks_db", "conn_max_age": conn_max_age}
    name = f"django-tasks-db, {f'CONN_MAX_AGE={conn_max_age}' if conn_max_age else 'default'}"
    return Contender(
        name, "tasks_db_peer", peer=TASKS_DB, options=options, jobs=800 if conn_max_age else 300
    )


def _elsewhere(server: str) -> str:
    return "" if server == "postgresql" else f", {SERVER_NAMES[server]}"
