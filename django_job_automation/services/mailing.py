"""Tell ADMINS of a run that failed, and of the jobs that one has opened."""

import logging

from django.core.mail import mail_admins
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from django_job_automation.conf import get_conf
from django_job_automation.services.report import RunReport

__all__ = ["mail_report"]

logger = logging.getLogger("job_automation")

_MOST_LISTED = 50


def mail_report(report: RunReport) -> None:
    """Mail what came of a run, when MAIL_ADMINS is on; nothing new and nothing wrong is no news."""
    incidents = [one.incident for one in report.rules if one.incident]
    if not get_conf().MAIL_ADMINS or not (report.failed or report.created or incidents):
        return
    # In the site's language: a run has no reader whose language it could take.
    with override(None):
        subject, text = _subject(report), "\n".join([*incidents, *_lines(report)])
    try:
        mail_admins(subject, text)
    except Exception as error:  # noqa: BLE001  # the run is done, whoever hears of it
        logger.error("the mail about run %s was not sent: %s", report.run, type(error).__name__)


def _subject(report: RunReport) -> str:
    if report.failed:
        names = ", ".join(one.title for one in report.failed)
        return _("Job automation failed: %(names)s") % {"names": names}
    return (
        ngettext("Job automation: %d new job", "Job automation: %d new jobs", report.created)
        % report.created
    )


def _lines(report: RunReport) -> list[str]:
    lines = []
    for one in report.rules:
        if one.error:
            lines.append(f"{one.title}: {one.error}")
        for flag in one.opened[:_MOST_LISTED]:
            name = f"{flag.key} ({flag.label})" if flag.label else flag.key
            lines.append(f"{one.title}: {name}: {flag.reason}")
        if (more := len(one.opened) - _MOST_LISTED) > 0:
            lines.append(f"{one.title}: +{more}")
    return lines
