"""The failed and cancelled jobs, through the index that stands over them alone."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Lookup
from django.db.models.sql.compiler import SQLCompiler

from django_outbox.models import OutboxJob, OutboxJobQuerySet

__all__ = ["dead_jobs"]


class _IsDead(Lookup):
    """The very words of the index outbox_job_dead: SQLite does not see them behind parameters."""

    prepare_rhs = False

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[str | int, ...]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} IN ('FAILED', 'CANCELLED')", tuple(params)


def dead_jobs(*, using: str) -> OutboxJobQuerySet:
    """Return the jobs that failed for good or were cancelled, quick to page by id."""
    return OutboxJob.objects.using(using).filter(_IsDead(F("status"), None))
