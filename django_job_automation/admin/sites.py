"""Sites and readings in Django's admin."""

from datetime import timedelta

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_job_automation.models import Reading, Site
from django_job_automation.services.jobs import snooze
from django_opskit.keyset_admin import KeysetAdmin
from django_opskit.model_admin import AnyModelAdmin

__all__ = ["ReadingAdmin", "SiteAdmin"]

_SNOOZE = timedelta(days=7)


@admin.register(Site)
class SiteAdmin(AnyModelAdmin):
    """The sites, which people keep here."""

    list_display = (
        "site_id",
        "site_name",
        "group",
        "capacity",
        "is_active",
        "commissioned_at",
        "snoozed_until",
    )
    list_filter = ("is_active",)
    search_fields = ("site_id", "site_name")
    actions = ("snooze_sites", "wake_sites")
    # Each would read the whole table.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    @admin.action(description=_("Snooze for a week"), permissions=["change"])
    def snooze_sites(self, request: HttpRequest, chosen: QuerySet[Site]) -> None:
        """Let no rule look at the chosen sites for a week."""
        count = snooze(chosen.values_list("pk", flat=True), until=timezone.now() + _SNOOZE)
        said = ngettext("%d site is snoozed.", "%d sites are snoozed.", count) % count
        self.message_user(request, said, messages.SUCCESS)

    @admin.action(description=_("Wake up"), permissions=["change"])
    def wake_sites(self, request: HttpRequest, chosen: QuerySet[Site]) -> None:
        """Let the rules look at the chosen sites again."""
        count = snooze(chosen.values_list("pk", flat=True), until=None)
        said = ngettext("%d site is looked at again.", "%d sites are looked at again.", count)
        self.message_user(request, said % count, messages.SUCCESS)


@admin.register(Reading)
class ReadingAdmin(KeysetAdmin):
    """The readings, the newest first: to look at."""

    list_display = ("id", "site", "reading_date", "reading_value")
    list_display_links = ("id",)
    list_select_related = ("site",)
    actions = None
    change_list_template = "django_job_automation/keyset_list.html"
