"""The jobs in Django's admin: opened by rules, worked on by people."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_job_automation.admin.dashboard_page import dashboard_context
from django_job_automation.admin.filters import OpenFilter, TypeFilter
from django_job_automation.models import Job
from django_job_automation.services import jobs
from django_opskit.keyset_admin import KeysetAdmin

__all__ = ["JobAdmin"]


@admin.register(Job)
class JobAdmin(KeysetAdmin):
    """The jobs, the newest first; people change their status and description."""

    list_display = ("id", "site", "job_type", "status", "description", "created_at", "last_seen_at")
    list_display_links = ("id",)
    list_select_related = ("site",)
    list_filter = (OpenFilter, TypeFilter)
    filter_parameters = ("open", "type")
    search_fields = ("site__site_id",)
    search_help_text = _("A part of the site's id.")
    actions = ("close_jobs", "reopen_jobs")
    has_something_to_save = True
    change_list_template = "django_job_automation/job_list.html"
    one_page_text = _("Actions work on the rows of one page.")
    readonly_fields = ("figures",)
    fieldsets = (
        (None, {"fields": ("site", "job_type", "status", "description")}),
        (_("Record"), {"fields": ("created_at", "last_seen_at", "closed_at", "run", "figures")}),
    )

    class Media:
        css = {"all": ("django_job_automation/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Add the dashboard, before what would take its address for a key."""
        view = self.admin_site.admin_view(self.dashboard_view)
        return [
            path("dashboard/", view, name="django_job_automation_dashboard"),
            *super().get_urls(),
        ]

    def dashboard_view(self, request: HttpRequest) -> HttpResponse:
        """Show how it stands, on one page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **dashboard_context(request, now=timezone.now()),
            "title": _("Dashboard"),
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, "django_job_automation/dashboard.html", context)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return every field but what people write."""
        fields = super().get_readonly_fields(request, obj)
        return tuple(name for name in fields if name not in ("status", "description"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and note when the job was closed."""
        if "status" in form.changed_data:
            obj.closed_at = None if obj.is_open else timezone.now()
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Close"), permissions=["change"])
    def close_jobs(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """Close the chosen jobs."""
        count = jobs.close(chosen.values_list("pk", flat=True))
        said = ngettext("%d job is closed.", "%d jobs are closed.", count) % count
        self.message_user(request, said, messages.SUCCESS)

    @admin.action(description=_("Reopen"), permissions=["change"])
    def reopen_jobs(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """Open the chosen jobs again."""
        done = jobs.reopen(chosen.values_list("pk", flat=True))
        said = ngettext("%d job is open again.", "%d jobs are open again.", done.opened)
        self.message_user(request, said % done.opened, messages.SUCCESS)
        if done.refused:
            said = ngettext(
                "%d job stays closed: its site has an open one of the type.",
                "%d jobs stay closed: their sites have an open one of the type.",
                done.refused,
            )
            self.message_user(request, said % done.refused, messages.WARNING)

    @admin.display(description=_("evidence"))
    def figures(self, job: Job) -> str:
        """Return the evidence with one key a line."""
        return format_html("<pre>{}</pre>", json.dumps(job.evidence, indent=2, ensure_ascii=False))
