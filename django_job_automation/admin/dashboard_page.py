"""The dashboard: what is open, what came in lately, and how the last runs went."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_job_automation.rules import get_rules
from django_job_automation.services.dashboard import AGES, dashboard
from django_opskit.charts import ChartPoint, line_chart

__all__ = ["RANGES", "dashboard_context"]

#: Days that the charts may show.
RANGES = (7, 30, 90)


def dashboard_context(request: HttpRequest, *, now: datetime) -> dict[str, Any]:
    """Return what the template needs."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, RANGES) else RANGES[0]
    found = dashboard(now=now, days=days)
    # A rule that is off, and has left nothing, has no place here.
    rules = {
        name: rule
        for name, rule in get_rules().items()
        if found.is_enabled[name]
        or found.open[name]
        or any(one.created[name] for one in found.days)
    }
    return {
        "found": found,
        "days": days,
        "ranges": RANGES,
        "titles": [rule.title for rule in rules.values()],
        "ages": [*(_age(days) for days in AGES), _("older")],
        "by_age": [
            (rule.title, found.open[name], found.ages[name]) for name, rule in rules.items()
        ],
        "charts": [
            (rule.title, _chart(found.days, name, rule.title)) for name, rule in rules.items()
        ],
        "figures": [
            (date_format(one.day, "SHORT_DATE_FORMAT"), [one.created[name] for name in rules])
            for one in reversed(found.days)
        ],
        "runs": [
            (run, ", ".join(f"{name}: {one['created']}" for name, one in run.counters.items()))
            for run in found.runs
        ],
    }


def _chart(days: Any, name: str, title: str) -> Any:
    return line_chart(
        [ChartPoint(date_format(one.day, "j. N"), float(one.created[name])) for one in days],
        title=title,
        description=_("Jobs that were opened on each day."),
        unit="",
        height=140,
    )


def _age(days: int) -> str:
    return ngettext("up to %d day", "up to %d days", days) % days
