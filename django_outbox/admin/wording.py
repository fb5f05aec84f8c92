"""What the admin says about jobs, in the reader's language."""

import json
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from django_outbox.models import OutboxJob
from django_outbox.services.diagnosis import Cause, Diagnosis

__all__ = ["badge", "moment_text", "pretty", "sentence", "short_moment", "status_badge"]

# Whatever is longer is for a program to read.
_LONGEST_JSON = 100_000

_SENTENCES = {
    Cause.COMPLETED: gettext_lazy("Completed: %(since)s."),
    Cause.FAILED: gettext_lazy(
        "All attempts failed: nothing runs it again by itself. Last one: %(since)s."
    ),
    Cause.CANCELLED: gettext_lazy("Cancelled: %(since)s. Reason: %(reason)s"),
    Cause.RUNNING: gettext_lazy("The worker %(worker)s has been running it since %(since)s."),
    Cause.WORKER_SILENT: gettext_lazy(
        "Its worker %(worker)s gave no sign of life; its hold on the job ended on %(since)s. Any "
        "running worker takes it over."
    ),
    Cause.QUEUE_UNDECLARED: gettext_lazy(
        "No worker looks at it: OUTBOX['QUEUES'] does not declare the queue “%(queue)s”."
    ),
    Cause.NO_HANDLER: gettext_lazy(
        "This site has no handler for the job type “%(job_type)s”: it fails when it is run."
    ),
    Cause.SCHEDULED: gettext_lazy("Waits until %(since)s."),
    Cause.RETRY_SCHEDULED: gettext_lazy(
        "The last attempt did not finish it. Waits for the next one until %(since)s."
    ),
    Cause.BEHIND_IN_LANE: gettext_lazy(
        "Waits for job #%(blocker)s, which is before it in the group “%(group)s”."
    ),
    Cause.NO_WORKER: gettext_lazy(
        "Due since %(since)s, but no running worker takes jobs from the queue “%(queue)s”."
    ),
    Cause.DUE: gettext_lazy("Due since %(since)s: the next free worker takes it."),
}


def sentence(job: OutboxJob, diagnosis: Diagnosis) -> str:
    """Return in one sentence or two why ``job`` does not run now."""
    return str(_SENTENCES[diagnosis.cause]) % {
        "since": moment_text(diagnosis.since),
        "blocker": diagnosis.blocker,
        "queue": job.queue,
        "job_type": job.job_type,
        "group": job.group_key,
        "worker": job.worker or "?",
        "reason": job.last_error or pgettext("reason", "none given"),
    }


def moment_text(moment: datetime | None) -> str:
    """Return a moment in the reader's time zone and format, to the second."""
    return _moment(moment, "DATE_FORMAT") or _("unknown")


def short_moment(moment: datetime | None) -> str:
    """Return a moment as short as the language allows, to the second."""
    return _moment(moment, "SHORT_DATE_FORMAT") or "-"


def _moment(moment: datetime | None, form: str) -> str:
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return f"{date_format(local, form, use_l10n=True)}, {local:%H:%M:%S}"


def badge(kind: str, text: Any) -> str:
    """Return a word on the colour of a status."""
    return format_html('<span class="outbox-badge outbox-{}">{}</span>', kind.lower(), text)


def status_badge(job: OutboxJob) -> str:
    """Return the status on its colour."""
    return badge(job.status, job.get_status_display())


def pretty(value: Any) -> str:
    """Return JSON as people read it, cut where it is very long."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if len(text) <= _LONGEST_JSON:
        return text
    rest = len(text) - _LONGEST_JSON
    return text[:_LONGEST_JSON] + "\n" + _("… and %(count)d more characters") % {"count": rest}
