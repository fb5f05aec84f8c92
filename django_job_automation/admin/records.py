"""Runs and findings in Django's admin: to look at."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_job_automation.admin.filters import RuleFilter
from django_job_automation.models import Finding, Run
from django_opskit.keyset_admin import KeysetAdmin

__all__ = ["FindingAdmin", "RunAdmin"]


class _Record(KeysetAdmin):
    actions = None
    change_list_template = "django_job_automation/keyset_list.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: it is the record of what happened."""
        return False


@admin.register(Run)
class RunAdmin(_Record):
    """The runs, the newest first."""

    list_display = ("id", "started_at", "started_by", "outcome", "made", "duration_seconds")
    list_display_links = ("id",)
    readonly_fields = ("made",)
    fieldsets = (
        (None, {"fields": ("outcome", "error", "made", "started_at", "started_by", "as_of")}),
        (_("Details"), {"fields": ("duration_seconds", "holder", "expires_at", "settings")}),
    )

    @admin.display(description=_("jobs opened"))
    def made(self, run: Run) -> str:
        """Return how many jobs each rule opened."""
        return ", ".join(f"{name}: {one['created']}" for name, one in run.counters.items()) or "-"


@admin.register(Finding)
class FindingAdmin(_Record):
    """What the rules have found, the newest first."""

    list_display = ("id", "run", "rule", "site_key", "site_label", "reason", "result")
    list_display_links = ("id",)
    list_select_related = ("run",)
    list_filter = (RuleFilter,)
    filter_parameters = ("rule",)
    search_fields = ("=site_key",)
    search_help_text = _("The id of a site.")
    readonly_fields = ("figures",)
    fieldsets = (
        (None, {"fields": ("run", "rule", "site_key", "site_label", "reason")}),
        (_("Details"), {"fields": ("result", "job_key", "figures")}),
    )

    @admin.display(description=_("evidence"))
    def figures(self, finding: Finding) -> str:
        """Return the evidence with one key a line."""
        text = json.dumps(finding.evidence, indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)
