"""Tell MAIL_TO of a health check that has failed, or that has brought news."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from django_network_hc.conf import get_conf
from django_network_hc.models import Case, HealthCheckSession

__all__ = ["mail_session"]

logger = logging.getLogger(__name__)

Status = HealthCheckSession.Status
_MOST_LISTED = 50
_FAILURE = "FAILURE"


def mail_session(session: HealthCheckSession) -> None:
    """
    Mail what came of a session; one that has brought no failure and covers enough is no news.

    Nothing is raised: the session is done, whoever hears of it.
    """
    conf = get_conf()
    if not conf.MAIL_TO:
        return
    # In the site's language: a session has no reader whose language it could take.
    with override(settings.LANGUAGE_CODE):
        found = _failed(session) or _news(session, conf.COVERAGE_PERCENT)
    if found is None:
        return
    subject, lines = found
    try:
        send_mail(subject, "\n".join(lines), None, list(conf.MAIL_TO))
    except Exception as error:  # noqa: BLE001  # whatever the mail server says, the work is done
        logger.error("the mail about session %s was not sent: %s", session, type(error).__name__)


def _failed(session: HealthCheckSession) -> tuple[str, list[str]] | None:
    if session.status != Status.FAILED:
        return None
    subject = _("Health check failed: %(network)s") % {"network": session.network}
    return subject, [session.error_messages, str(session)]


def _news(session: HealthCheckSession, least: float) -> tuple[str, list[str]] | None:
    if session.status != Status.COMPLETED:
        return None
    cases = Case.objects.filter(opened_by=session, priority__iexact=_FAILURE).order_by("pk")
    count = cases.count()
    total, covered = session.coverage.get("total", 0), session.coverage.get("covered", 0)
    lines = []
    if total and 100 * covered < least * total:
        facts = {"covered": covered, "total": total, "least": f"{least:g}"}
        lines.append(
            _("The report covers %(covered)s of %(total)s nodes, less than %(least)s %%.") % facts
        )
    lines += [f"#{one.pk} {one.hc_id} {one.test}: {one.text}" for one in cases[:_MOST_LISTED]]
    if count > _MOST_LISTED:
        lines.append(f"+{count - _MOST_LISTED}")
    if not lines:
        return None
    subject = ngettext(
        "Health check of %(network)s: %(count)d new failure",
        "Health check of %(network)s: %(count)d new failures",
        count,
    )
    facts = {"network": session.network, "count": count}
    return subject % facts, [f"{session.report_on}", *lines]
