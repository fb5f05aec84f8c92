"""The jobs in Django's admin: to look at, to run again, to cancel."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob, OutboxJobQuerySet
from django_outbox.services import operations

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[OutboxJob]
else:
    _ModelAdmin = admin.ModelAdmin


class QueueFilter(admin.SimpleListFilter):
    """The declared queues: Django's own filter would look for them in every row."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the queues of ``OUTBOX["QUEUES"]``."""
        return [(name, name) for name in get_conf().QUEUES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs of the chosen queue."""
        return queryset.filter(queue=self.value()) if self.value() else queryset


@admin.register(OutboxJob)
class OutboxJobAdmin(_ModelAdmin):
    """Read-only: only workers and the three actions change a job."""

    # What an operator asks first stands first: on a phone the rest is a swipe away.
    list_display = (
        "id",
        "status",
        "job_type",
        "tries",
        "run_after",
        "finished_at",
        "dedup_key",
        "queue",
    )
    list_display_links = ("id", "job_type")
    list_filter = ("status", QueueFilter)
    search_fields = ("=dedup_key", "=job_type")
    search_help_text = _("A whole dedup key or job type.")
    ordering = ("-id",)
    # A count over millions of rows would take longer than the page itself.
    show_full_result_count = False
    list_per_page = 50
    actions = ("run_again", "run_now", "cancel")
    fieldsets = (
        (None, {"fields": ("job_type", "dedup_key", "queue", "status", "priority", "payload")}),
        (
            _("Attempts"),
            {"fields": ("tries", "run_after", "started_at", "finished_at", "traceback")},
        ),
        (_("Worker"), {"fields": ("worker", "lease_until", "claim_no", "created_at")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: jobs come from ``enqueue``, in the transaction of their data."""
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the job without the buttons that save: there is nothing to save."""
        without_buttons = {"show_save": False, "show_save_and_continue": False}
        return super().change_view(
            request, object_id, form_url, {**without_buttons, **(extra_context or {})}
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: OutboxJob | None = None
    ) -> tuple[str, ...]:
        """Return every field: an edited job is one that nobody enqueued."""
        return (*(field.name for field in OutboxJob._meta.fields), "tries", "traceback")

    @admin.display(description=_("attempts"), ordering="attempts")
    def tries(self, job: OutboxJob) -> str:
        """Return attempts made and allowed."""
        return f"{job.attempts} / {job.max_attempts}"

    @admin.display(description=_("last error"))
    def traceback(self, job: OutboxJob) -> str:
        """Return the last error with its line breaks."""
        return format_html("<pre>{}</pre>", job.last_error) if job.last_error else "-"

    @admin.action(description=_("Run finished jobs again"), permissions=["change"])
    def run_again(self, request: HttpRequest, jobs: OutboxJobQuerySet) -> None:
        """Let the chosen finished jobs run once more."""
        outcome = operations.run_again(_ids(jobs), using=jobs.db)
        text = ngettext(
            "%(count)d job waits for a worker.",
            "%(count)d jobs wait for a worker.",
            outcome.waiting,
        )
        self.message_user(request, text % {"count": outcome.waiting}, _level(outcome.waiting))
        if outcome.skipped:
            text = ngettext(
                "%(count)d job was skipped: a pending one has its key.",
                "%(count)d jobs were skipped: pending ones have their keys.",
                outcome.skipped,
            )
            self.message_user(request, text % {"count": outcome.skipped}, messages.WARNING)

    @admin.action(description=_("Run pending jobs now"), permissions=["change"])
    def run_now(self, request: HttpRequest, jobs: OutboxJobQuerySet) -> None:
        """Make the chosen pending jobs due."""
        count = operations.run_now(_ids(jobs), using=jobs.db)
        text = ngettext("%(count)d job is due now.", "%(count)d jobs are due now.", count)
        self.message_user(request, text % {"count": count}, _level(count))

    @admin.action(description=_("Cancel pending jobs"), permissions=["change"])
    def cancel(self, request: HttpRequest, jobs: OutboxJobQuerySet) -> None:
        """Cancel the chosen pending jobs."""
        reason = f"cancelled by {request.user}"
        count = operations.cancel(_ids(jobs), using=jobs.db, reason=reason)
        text = ngettext("%(count)d job was cancelled.", "%(count)d jobs were cancelled.", count)
        self.message_user(request, text % {"count": count}, _level(count))


def _ids(jobs: OutboxJobQuerySet) -> list[Any]:
    return list(jobs.order_by().values_list("pk", flat=True))


def _level(count: int) -> int:
    return messages.SUCCESS if count else messages.WARNING
