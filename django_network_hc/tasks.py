"""Health checks for workers, through Django's Tasks API."""

from typing import Any

from django_network_hc.exceptions import NetworkHcError, SessionLockedError
from django_network_hc.models import HealthCheckSession
from django_network_hc.services.processing import run_session
from django_opskit.tasks import task

__all__ = ["process_session"]


@task
def process_session(session: int) -> dict[str, Any]:
    """
    Run a session; return its status and counts.

    What is wrong with its files is written into the session, and is no failure of the task. While
    another session of the network is at work the task fails, so that whoever runs it tries again.
    """
    found = HealthCheckSession.objects.select_related("network").get(pk=session)
    if found.status in (HealthCheckSession.Status.COMPLETED, HealthCheckSession.Status.CANCELLED):
        return {"status": found.status, "counts": found.counts}
    try:
        done = run_session(found)
    except SessionLockedError:
        raise
    except NetworkHcError:
        found.refresh_from_db()
        return {"status": found.status, "counts": {}}
    return {"status": done.status, "counts": done.counts}
