"""django-tasks-db. Option: ``conn_max_age``."""

from importlib.metadata import version

from django.db import transaction

from benchmarks.programs import django_site
from benchmarks.programs.protocol import Program, main
from benchmarks.site.tasks import bench


class TasksDbPeer(Program):
    """Django's Tasks API and ``db_worker``."""

    def version(self) -> str:
        """Return django-tasks-db's."""
        return f"django-tasks-db {version('django-tasks-db')}"

    def prepare(self) -> None:
        """Migrate."""
        django_site.migrate()

    def reset(self) -> None:
        """Forget all jobs."""
        from django_tasks_db.models import DBTaskResult

        django_site.execute(f"TRUNCATE {DBTaskResult._meta.db_table}")

    def fill(self, count: int, seconds: float) -> None:
        """Store the jobs in one transaction."""
        with transaction.atomic():
            for number in range(1, count + 1):
                bench.enqueue(number, seconds)

    def enqueue(self, number: int) -> None:
        """Store one job."""
        bench.enqueue(number, 0.0)

    def bulk(self, count: int) -> None:
        """Store the jobs in one transaction: there is no other way."""
        self.fill(count, 0.0)

    def work(self) -> None:
        """Be ``manage.py db_worker``."""
        django_site.command("db_worker", "--no-startup-delay", "--no-reload")


if __name__ == "__main__":
    main(TasksDbPeer())
