"""The jobs in Django's admin: to look at, to run again, to cancel."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from django_outbox.admin import filters, searching
from django_outbox.admin.job_page import job_context
from django_outbox.admin.keyset import OutboxKeysetAdmin
from django_outbox.admin.wording import short_moment, status_badge
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet
from django_outbox.services import operations, removal

__all__ = ["OutboxJobAdmin"]

_VERBS = ("run_again", "run_now", "cancel")


@admin.register(OutboxJob)
class OutboxJobAdmin(OutboxKeysetAdmin):
    """Read-only: only workers and the three verbs change a job."""

    # What an operator asks first stands first: on a phone the rest is a swipe away.
    list_display = (
        "id",
        "state",
        "job_type",
        "moment",
        "tries",
        "dedup_key",
        "queue",
    )
    list_display_links = ("id", "job_type")
    list_filter = (
        filters.StatusFilter,
        filters.QueueFilter,
        filters.AgeFilter,
        filters.JobTypeFilter,
    )
    filter_parameters = ("status", "queue", "age", "job_type")
    not_in_list = ("payload", "result", "progress", "last_error")
    # Names no column: it makes Django show the box, and get_search_results() does the rest.
    search_fields = ("dedup_key",)
    search_help_text = searching.HELP
    actions = _VERBS
    change_form_template = "django_outbox/job.html"
    fieldsets = (
        (
            _("Job"),
            {"fields": ("job_type", "queue", "priority", "same_key", "window_key", "same_group")},
        ),
        (
            _("Course"),
            {"fields": ("tries", "created_at", "run_after", "started_at", "finished_at", "took")},
        ),
        (_("Worker"), {"fields": ("worker", "lease_until", "claim_no")}),
    )
    readonly_fields = ("tries", "took", "same_key", "same_group")

    class Media:
        css = {"all": ("django_outbox/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Return the pages of the admin, and where the buttons of a job's page lead."""
        act = path(
            "<path:object_id>/do/<slug:verb>/",
            self.admin_site.admin_view(self.act_view),
            name="django_outbox_outboxjob_act",
        )
        urls: list[URLPattern] = super().get_urls()
        return [act, *urls]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the jobs that the term means; never twice the same."""
        return (searching.find(queryset, search_term) if search_term.strip() else queryset), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the job with its payload, its attempts, and why it does not run now."""
        response = super().change_view(request, object_id, form_url, extra_context)
        context = getattr(response, "context_data", None)
        if context and (job := context.get("original")):
            context |= job_context(job, using=self.get_queryset(request).db)
            context["can_act"] = self.has_change_permission(request, job)
        return response

    @method_decorator(require_POST)
    def act_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """Do what a button of the job's page says, and show the page again."""
        job = self.get_object(request, unquote(object_id))
        if job is None or verb not in _VERBS:
            raise Http404
        if not self.has_change_permission(request, job):
            raise PermissionDenied
        if getattr(self, verb)(request, self.get_queryset(request).filter(pk=job.pk)):
            self.log_change(request, job, verb)
        url = reverse(f"{self.admin_site.name}:django_outbox_outboxjob_change", args=[job.pk])
        return HttpResponseRedirect(url)

    def has_delete_permission(self, request: HttpRequest, obj: OutboxJob | None = None) -> bool:
        """Allow it with the permission, and never while a worker runs the job."""
        if obj is not None and obj.status == JobStatus.IN_PROGRESS:
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say what would be deleted; jobs in progress stand in the way."""
        running = [str(job) for job in objs if job.status == JobStatus.IN_PROGRESS]
        if running:
            self.message_user(request, _("Jobs in progress cannot be deleted."), messages.WARNING)
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, lacking, [*protected, *running]

    def delete_model(self, request: HttpRequest, obj: OutboxJob) -> None:
        """Delete a job with its attempts, unless a worker has just taken it."""
        removal.remove([obj.pk], using=self.get_queryset(request).db)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OutboxJob]) -> None:
        """Delete the chosen jobs with their attempts, except those that are in progress."""
        removal.remove(_ids(queryset), using=queryset.db)

    @admin.display(description=_("status"))
    def state(self, job: OutboxJob) -> str:
        """Return the status on its colour."""
        return status_badge(job)

    @admin.display(description=_("attempts"))
    def tries(self, job: OutboxJob) -> str:
        """Return attempts made and allowed."""
        return f"{job.attempts} / {job.max_attempts}"

    @admin.display(description=_("when"))
    def moment(self, job: OutboxJob) -> str:
        """Return the moment that says most about the status."""
        begun_or_due = job.started_at if job.status == JobStatus.IN_PROGRESS else job.run_after
        return short_moment(job.finished_at or begun_or_due)

    @admin.display(description=_("took"))
    def took(self, job: OutboxJob) -> str:
        """Return how long the last attempt ran."""
        if job.started_at is None or job.finished_at is None:
            return "-"
        seconds = (job.finished_at - job.started_at).total_seconds()
        return _("%(seconds)s s") % {"seconds": number_format(max(0, seconds), decimal_pos=3)}

    @admin.display(description=_("dedup key"))
    def same_key(self, job: OutboxJob) -> str:
        """Return the key, which leads to all jobs that have it."""
        return self._search_link(job.dedup_key, job.dedup_key or "")

    @admin.display(description=_("group key"))
    def same_group(self, job: OutboxJob) -> str:
        """Return the group, which leads to all its jobs."""
        return self._search_link(job.group_key, f"group:{job.group_key}")

    def _search_link(self, text: str | None, term: str) -> str:
        if not text:
            return "-"
        url = reverse(f"{self.admin_site.name}:django_outbox_outboxjob_changelist")
        return format_html('<a href="{}?{}">{}</a>', url, urlencode({"q": term}), text)

    @admin.action(description=_("Run finished jobs again"), permissions=["change"])
    def run_again(self, request: HttpRequest, jobs: OutboxJobQuerySet) -> int | None:
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
        return outcome.waiting

    @admin.action(description=_("Run pending jobs now"), permissions=["change"])
    def run_now(self, request: HttpRequest, jobs: OutboxJobQuerySet) -> int:
        """Make the chosen pending jobs due."""
        count = operations.run_now(_ids(jobs), using=jobs.db)
        text = ngettext("%(count)d job is due now.", "%(count)d jobs are due now.", count)
        self.message_user(request, text % {"count": count}, _level(count))
        return count

    @admin.action(description=_("Cancel pending jobs"), permissions=["change"])
    def cancel(self, request: HttpRequest, jobs: OutboxJobQuerySet) -> int:
        """Cancel the chosen pending jobs."""
        reason = f"cancelled by {request.user}"
        count = operations.cancel(_ids(jobs), using=jobs.db, reason=reason)
        text = ngettext("%(count)d job was cancelled.", "%(count)d jobs were cancelled.", count)
        self.message_user(request, text % {"count": count}, _level(count))
        return count


def _ids(jobs: QuerySet[OutboxJob]) -> list[Any]:
    return list(jobs.order_by().values_list("pk", flat=True))


def _level(count: int) -> int:
    return messages.SUCCESS if count else messages.WARNING
