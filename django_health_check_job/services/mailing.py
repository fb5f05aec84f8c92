"""The built-in listener: a change of state is mailed to ADMINS."""

import logging
from typing import Any

from django.core.mail import mail_admins
from django.utils.translation import gettext as _
from django.utils.translation import override

from django_health_check_job.conf import get_conf
from django_health_check_job.engine.outcome import State

__all__ = ["mail_change"]

logger = logging.getLogger(__name__)


def mail_change(
    *,
    source: str,
    check: str,
    old: str,
    new: str,
    at: Any,
    message: str,
    is_first: bool,
    **_rest: Any,
) -> None:
    """
    Mail one change, when MAIL_ADMINS is on; a mail server that fails stops nothing.

    That a check works when it is seen for the first time is no news.
    """
    if not get_conf().MAIL_ADMINS or (is_first and State(new) is State.UP):
        return
    name = f"{source}: {check}" if source else check
    # In the site's language: the monitor has no reader whose language it could take.
    with override(None):
        subject = _("%(check)s is %(state)s") % {"check": name, "state": new}
        text = _("%(check)s went from %(old)s to %(new)s at %(at)s UTC.\n\n%(message)s") % {
            "check": name,
            "old": old,
            "new": new,
            "at": f"{at:%Y-%m-%d %H:%M:%S}",
            "message": message,
        }
    try:
        mail_admins(subject, text)
    except Exception as error:  # noqa: BLE001  # the monitor goes on
        logger.error("the mail about %r was not sent: %s", name, type(error).__name__)
