"""How long a command has taken, as a chart."""

from collections.abc import Sequence

from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from django_opskit.charts import ChartPoint, Mark, line_chart
from django_system_ops.conf import get_conf
from django_system_ops.models import CommandRun

__all__ = ["durations_chart", "last_runs"]

_MOST_RUNS = 100
_MARKS: dict[str, Mark] = {
    CommandRun.Status.FINDINGS: Mark.TRIANGLE,
    CommandRun.Status.FAILED: Mark.CROSS,
    CommandRun.Status.LOST: Mark.CROSS,
}


def last_runs(name: str) -> list[CommandRun]:
    """Return the last runs of a command that were over and for real, the oldest first."""
    runs = CommandRun.objects.using(get_conf().history.database)
    rows = runs.filter(name=name, is_dry_run=False, finished_at__isnull=False)
    rows = rows.only("status", "started_at", "duration_seconds")
    return list(rows.order_by("-id")[:_MOST_RUNS])[::-1]


def durations_chart(runs: Sequence[CommandRun]) -> SafeString:
    """Return how long each of the runs took, failed ones marked."""
    return line_chart(
        [
            ChartPoint(
                _moment(run), run.duration_seconds, _MARKS.get(CommandRun.Status(run.status))
            )
            for run in runs
        ],
        title=_("Duration"),
        description=_("How long each run took; those that failed are marked."),
        unit="s",
        mark_texts={Mark.TRIANGLE: _("with findings"), Mark.CROSS: _("failed or lost")},
        height=160,
    )


def _moment(run: CommandRun) -> str:
    if run.started_at is None:
        return ""
    return date_format(localtime(run.started_at), "SHORT_DATETIME_FORMAT")
