"""The checks in Django's admin: where each one stands now, how it went, and what people set."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_health_check_job.admin.filters import RetiredFilter
from django_health_check_job.admin.response_chart import Range, response_chart
from django_health_check_job.admin.status_page import status_context
from django_health_check_job.admin.wording import badge, duration, moment
from django_health_check_job.models import Check, CheckConfig
from django_health_check_job.services import reading
from django_health_check_job.services.retirement import retire
from django_opskit.history_admin import EditHistoryMixin
from django_opskit.readonly_admin import ReadOnlyAdmin

__all__ = ["CheckAdmin", "CheckConfigInline"]


class CheckConfigInline(admin.StackedInline):  # type: ignore[type-arg]  # not generic at run time
    """What people set for the check."""

    model = CheckConfig
    fk_name = "check_row"
    can_delete = True
    extra = 0


@admin.register(Check)
class CheckAdmin(EditHistoryMixin, ReadOnlyAdmin):
    """Where each check stands; a result that is too old counts as unknown."""

    list_display = ("label", "now", "since_when", "says", "took", "last_at", "critical")
    list_display_links = ("label",)
    list_filter = (RetiredFilter,)
    ordering = ("source", "name")
    list_per_page = 200
    actions = ("retire_checks",)
    has_something_to_save = True
    readonly_fields = ("label", "now", "since_when", "says", "took")
    inlines = (CheckConfigInline,)
    change_list_template = "django_health_check_job/check_list.html"
    change_form_template = "django_health_check_job/check.html"
    edit_history_template = "django_health_check_job/check_history.html"
    fieldsets = (
        (None, {"fields": ("label", "now", "since_when", "says", "took", "last_at")}),
        (
            gettext_lazy("Details"),
            {"fields": ("slug", "critical", "recent", "stale_after_seconds", "retired_at")},
        ),
    )

    class Media:
        css = {"all": ("django_health_check_job/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Add the status page, before what would take its address for a key."""
        view = self.admin_site.admin_view(self.status_view)
        name = "django_health_check_job_status"
        return [path("status/", view, name=name), *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: results belong to it."""
        return False

    def status_view(self, request: HttpRequest) -> HttpResponse:
        """Show where everything stands, on one page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **status_context(request, now=timezone.now()),
            "title": _("Status page"),
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, "django_health_check_job/status.html", context)

    def change_view(self, request: Any, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Show the check with its chart, and what people set for it."""
        response = super().change_view(request, object_id, *args, **kwargs)
        context = getattr(response, "context_data", None)
        if context and (check := context.get("original")):
            chosen = request.GET.get("chart", "")
            context["chart"] = response_chart(check.pk, chosen, now=timezone.now())
            context["ranges"] = list(Range)
        return response

    def edits_of(self, obj: Check) -> QuerySet[Any]:
        """Return what people have set for the check."""
        edits: QuerySet[Any] = CheckConfig.history.filter(check_row_id=obj.pk)
        return edits

    @admin.action(
        description=gettext_lazy("Retire: nobody runs it any more"), permissions=["change"]
    )
    def retire_checks(self, request: HttpRequest, chosen: QuerySet[Check]) -> None:
        """Take the chosen checks out of the site's state."""
        count = retire(chosen.values_list("pk", flat=True))
        said = ngettext("%d check is retired.", "%d checks are retired.", count) % count
        self.message_user(request, said, messages.SUCCESS)

    @admin.display(description=gettext_lazy("check"), ordering="name")
    def label(self, check: Check) -> str:
        """Return the name, after its site."""
        return str(check)

    @admin.display(description=gettext_lazy("state"))
    def now(self, check: Check) -> str:
        """Return the state that holds now, as a sign and a word."""
        return badge(reading.check_now(check, now=timezone.now()).state)

    @admin.display(description=gettext_lazy("since"))
    def since_when(self, check: Check) -> str:
        """Return since when."""
        return moment(reading.check_now(check, now=timezone.now()).since)

    @admin.display(description=gettext_lazy("message"))
    def says(self, check: Check) -> str:
        """Return what it said last, or for how long it has said nothing."""
        return reading.check_now(check, now=timezone.now()).message

    @admin.display(description=gettext_lazy("took"))
    def took(self, check: Check) -> str:
        """Return how long the last run took."""
        return duration(check.last_duration_seconds)
