"""How states, times and shares are written in the admin, in the reader's language."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from django_health_check_job.engine.outcome import State
from django_health_check_job.services.reading import Uptime

__all__ = ["ago", "badge", "duration", "moment", "share"]

# Told apart by shape as well as by colour.
_SIGNS = {State.UP: "●", State.WARN: "▲", State.UNKNOWN: "○", State.DOWN: "■"}

_NOTHING = "-"
_SPACE = "\N{NO-BREAK SPACE}"
# Shorter times are said in seconds: timesince() knows minutes.
_SECONDS_UP_TO = 120


def badge(state: State) -> SafeString:
    """Return a state as a sign and a word."""
    return format_html(
        '<span class="hcj-state hcj-{}">{} {}</span>',
        state.value.lower(),
        _SIGNS[state],
        state.value,
    )


def moment(at: datetime | None) -> str:
    """Return a moment in local time."""
    return _NOTHING if at is None else date_format(timezone.localtime(at), "DATETIME_FORMAT")


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was."""
    if at is None:
        return _NOTHING
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < _SECONDS_UP_TO:
        return _("%(seconds)d s ago") % {"seconds": seconds}
    return _("%(time)s ago") % {"time": timesince(at, now)}


def duration(seconds: float | None) -> str:
    """Return how long something took."""
    if seconds is None:
        return _NOTHING
    return f"{number_format(seconds * 1000, 1)}{_SPACE}ms"


def share(uptime: Uptime | None) -> str:
    """Return an uptime in per cent, rounded down: 100 % means that nothing failed."""
    if uptime is None or uptime.share is None:
        return _NOTHING
    hundredths = int(uptime.share * 10_000 + 1e-9)
    return f"{number_format(hundredths / 100, 2)}{_SPACE}%"
