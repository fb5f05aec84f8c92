"""Health checks that are started from a page, and run wherever the site's tasks run."""

from django_network_hc.conf import get_conf
from django_network_hc.exceptions import NotReadyError
from django_network_hc.models import HealthCheckSession, Network, SessionFile
from django_network_hc.services.folders import script_folder
from django_network_hc.services.sessions import Input, Stream, open_session

__all__ = ["may_run_again", "open_upload"]

Status = HealthCheckSession.Status


def open_upload(
    network: Network,
    *,
    report: Stream,
    report_name: str,
    inventory: Stream,
    inventory_name: str,
    initiated_by: str,
) -> HealthCheckSession:
    """
    Open a session with two uploaded files.

    Raises:
        NotReadyError: the network lacks files; no session was opened.
        InputError: a file has a name that leads elsewhere, or is too large; the session has failed.
    """
    if not network.is_ready:
        raise NotReadyError(f"{network} is not ready: its files are missing.")
    conf = get_conf()
    return open_session(
        network,
        [
            Input(SessionFile.Kind.TEC_REPORT, report_name, report, conf.REPORT_MB),
            Input(SessionFile.Kind.INVENTORY_CSV, inventory_name, inventory, conf.INVENTORY_MB),
        ],
        folder=script_folder(),
        initiated_by=initiated_by,
    )


def may_run_again(session: HealthCheckSession) -> bool:
    """Return whether a session can be run from the files that it has."""
    if session.session_type != HealthCheckSession.Type.REGULAR_PROCESSING:
        return False
    if session.status not in (Status.PENDING, Status.FAILED, Status.CANCELLED):
        return False
    kinds = {SessionFile.Kind.TEC_REPORT, SessionFile.Kind.INVENTORY_CSV}
    there = session.files.filter(kind__in=kinds, removed_at=None).values_list("kind", flat=True)
    return kinds == set(there)
