"""Reports that a network has had, to be read again."""

from datetime import date
from pathlib import Path

from django_network_hc.conf import get_conf
from django_network_hc.exceptions import InputError
from django_network_hc.models import HealthCheckSession, Network, NodeRun, SessionFile
from django_network_hc.readers import Report, read_report
from django_network_hc.services.folders import script_folder

__all__ = ["day_before", "last_session", "report_of", "report_of_day"]


def report_of(path: Path) -> Report:
    """
    Read a report, with the limits of the settings.

    Raises:
        InputError: it is no report.
    """
    return read_report(path, limits=get_conf().report_limits)


def report_of_day(network: Network, day: date) -> Report:
    """
    Read the report of a day again.

    Raises:
        InputError: the network has had none, or its file was cleaned up.
    """
    done = network.sessions.filter(status=HealthCheckSession.Status.COMPLETED, report_on=day)
    session = done.order_by("-pk").first()
    if session is None:
        days = network.sessions.filter(
            status=HealthCheckSession.Status.COMPLETED, report_on__isnull=False
        ).order_by("-report_on")
        known = ", ".join(str(one) for one in days.values_list("report_on", flat=True)[:12])
        raise InputError(
            f"report of {day}", f"{network} has none; there are: {known or 'none yet'}."
        )
    file = session.files.filter(kind=SessionFile.Kind.TEC_REPORT).first()
    path = file and script_folder().session(session.session_id) / file.path
    if not path or not path.is_file():
        raise InputError(f"report of {day}", "its file was cleaned up: give the file itself.")
    return report_of(path)


def last_session(network: Network) -> HealthCheckSession | None:
    """Return the session whose report a network has got as its newest."""
    done = network.sessions.filter(
        status=HealthCheckSession.Status.COMPLETED, report_on__isnull=False
    )
    return done.order_by("-report_on", "-pk").first()


def day_before(session: HealthCheckSession) -> date | None:
    """Return the day of the report before that of a session, one of its first tracker included."""
    runs = NodeRun.objects.filter(node__network=session.network_id, report_on__lt=session.day)
    return runs.order_by("-report_on").values_list("report_on", flat=True).first()
