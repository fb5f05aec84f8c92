"""What is wrong with an outbox, or soon will be: each finding with the way out."""

from django.db import connections, router

from django_outbox.models import OutboxJob
from django_outbox.services.doctor.finding import Finding
from django_outbox.services.doctor.jobs import check_clock, check_jobs
from django_outbox.services.doctor.schema import check_schema

__all__ = ["Finding", "examine"]


def examine(*, old_seconds: float = 300.0, using: str | None = None) -> list[Finding]:
    """
    Return what is wrong with the tables, the server and the jobs; empty when all is well.

    Nothing is changed, and nothing reads the table as a whole.

    Args:
        old_seconds: from which age on an open transaction is a finding.
        using: the database; by default where the router writes :class:`OutboxJob`.
    """
    alias = using or router.db_for_write(OutboxJob)
    findings = check_schema(alias)
    if any(finding.code in ("table", "migration") for finding in findings):
        # The rest would only fail for the same reason.
        return findings
    findings += check_clock(alias)
    # Each module is imported on demand: a site has one database, or two.
    match connections[alias].vendor:
        case "postgresql":
            from django_outbox.services.doctor.postgresql import check_server
        case "mysql":
            from django_outbox.services.doctor.mysql import check_server
        case _:
            from django_outbox.services.doctor.sqlite import check_server
    return [*findings, *check_server(alias, old_seconds), *check_jobs(alias)]
