"""The status page: where everything stands, for a person who has just been woken up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_health_check_job.admin.wording import ago, badge, duration, moment, share
from django_health_check_job.engine.outcome import State
from django_health_check_job.services.reading import CheckNow
from django_health_check_job.services.status import SiteStatus, site_status

__all__ = ["status_context"]

_REFRESH_SECONDS = 30
_MOST_NAMES = 5


@dataclass(frozen=True)
class Row:
    """One check as the table shows it."""

    check: CheckNow
    badge: SafeString
    since: str
    ago: str
    took: str
    day: str
    month: str


@dataclass(frozen=True)
class Group:
    """The checks of one site."""

    source: str
    rows: list[Row]


def status_context(request: HttpRequest, *, now: datetime) -> dict[str, Any]:
    """Return what the template needs."""
    status = site_status(now=now)
    own = [one for one in status.checks if not one.source]
    return {
        "status": status,
        "tone": status.state.value.lower(),
        "badge": badge(status.state),
        "headline": _headline(own, status.state),
        "asides": _asides(own),
        "monitor": _monitor(status),
        "groups": [
            Group(source, [_row(one, status) for one in checks])
            for source, checks in groupby(status.checks, key=lambda one: one.source)
        ],
        "changes": [
            (
                change,
                badge(State(change.old)),
                badge(State(change.new)),
                ago(change.at, now),
                moment(change.at),
            )
            for change in status.changes
        ],
        "senders": [(one.app_id, ago(one.last_seen_at, now)) for one in status.senders],
        "refresh": _REFRESH_SECONDS if "refresh" in request.GET else None,
    }


def _headline(own: Iterable[CheckNow], state: State) -> str:
    critical = [one for one in own if one.critical]
    if not critical:
        return _("No critical check has run yet.")
    concerned = [one.name for one in critical if one.state is state]
    if state is State.UP:
        return ngettext(
            "The critical check works.", "All %(count)d critical checks work.", len(critical)
        ) % {"count": len(critical)}
    texts = {
        State.DOWN: _("Down: %(names)s"),
        State.UNKNOWN: _("Nothing is known of: %(names)s"),
        State.WARN: _("Works, with a warning: %(names)s"),
    }
    return texts[state] % {"names": _listed(concerned)}


def _asides(own: Iterable[CheckNow]) -> str:
    """Return what does not work and is not critical."""
    names = [one.name for one in own if not one.critical and one.state is not State.UP]
    return _("Not critical, and not well: %(names)s") % {"names": _listed(names)} if names else ""


def _listed(names: list[str]) -> str:
    text = ", ".join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return text if more <= 0 else _("%(names)s and %(more)d more") % {"names": text, "more": more}


def _monitor(status: SiteStatus) -> str:
    if status.monitor is None:
        return _("No monitor has ever run: start manage.py monitor.")
    names = {"holder": status.monitor.holder}
    if status.monitor_is_alive:
        return _("%(holder)s monitors.") % names
    names["ago"] = ago(status.monitor.expires_at, status.at)
    return _("No monitor is at work. The last one, %(holder)s, ended %(ago)s.") % names


def _row(one: CheckNow, status: SiteStatus) -> Row:
    return Row(
        check=one,
        badge=badge(one.state),
        since=moment(one.since),
        ago=ago(one.last_at, status.at),
        took=duration(one.duration_seconds),
        day=share(status.day.get(one.pk)),
        month=share(status.month.get(one.pk)),
    )
