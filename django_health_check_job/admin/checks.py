"""The checks in Django's admin: where each one stands now."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_health_check_job.engine.outcome import State
from django_health_check_job.models import Check, CheckConfig, StateChange
from django_health_check_job.services import reading
from django_opskit.keyset_admin import KeysetAdmin
from django_opskit.readonly_admin import ReadOnlyAdmin

__all__ = ["CheckAdmin", "CheckConfigInline", "StateChangeAdmin"]

# Told apart by shape as well as by colour.
_SIGNS = {State.UP: "●", State.WARN: "▲", State.UNKNOWN: "○", State.DOWN: "■"}


class CheckConfigInline(admin.StackedInline):  # type: ignore[type-arg]  # not generic at run time
    """What people set for the check."""

    model = CheckConfig
    fk_name = "check_row"
    can_delete = True
    extra = 0


@admin.register(Check)
class CheckAdmin(ReadOnlyAdmin):
    """Where each check stands; a result that is too old counts as unknown."""

    list_display = ("label", "now", "since_when", "says", "took", "last_at", "critical")
    list_display_links = ("label",)
    ordering = ("source", "name")
    list_per_page = 200
    actions = None
    readonly_fields = ("label", "now", "since_when", "says", "took")
    inlines = (CheckConfigInline,)
    fieldsets = (
        (None, {"fields": ("label", "now", "since_when", "says", "took", "last_at")}),
        (_("Details"), {"fields": ("slug", "critical", "recent", "stale_after_seconds")}),
    )

    class Media:
        css = {"all": ("django_health_check_job/admin.css",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: results belong to it."""
        return False

    def change_view(self, request: Any, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Show the check with a button that saves what people set for it."""
        shown = {"show_save": True, "show_save_and_continue": True}
        kwargs["extra_context"] = {**shown, **(kwargs.get("extra_context") or {})}
        return super().change_view(request, object_id, *args, **kwargs)

    @admin.display(description=_("check"), ordering="name")
    def label(self, check: Check) -> str:
        """Return the name, after its site."""
        return str(check)

    @admin.display(description=_("state"))
    def now(self, check: Check) -> str:
        """Return the state that holds now, as a sign and a word."""
        state = reading.check_now(check, now=timezone.now()).state
        return format_html(
            '<span class="hcj-state hcj-{}">{} {}</span>',
            state.value.lower(),
            _SIGNS[state],
            state.value,
        )

    @admin.display(description=_("since"))
    def since_when(self, check: Check) -> str:
        """Return since when."""
        since = reading.check_now(check, now=timezone.now()).since
        return "-" if since is None else date_format(timezone.localtime(since), "DATETIME_FORMAT")

    @admin.display(description=_("message"))
    def says(self, check: Check) -> str:
        """Return what it said last, or for how long it has said nothing."""
        return reading.check_now(check, now=timezone.now()).message

    @admin.display(description=_("took"))
    def took(self, check: Check) -> str:
        """Return how long the last run took."""
        seconds = check.last_duration_seconds
        # With a space that does not break.
        return "-" if seconds is None else f"{seconds * 1000:.1f}\N{NO-BREAK SPACE}ms"


@admin.register(StateChange)
class StateChangeAdmin(KeysetAdmin):
    """What has changed, the newest first."""

    list_display = ("id", "check_row", "old", "new", "at", "message")
    list_display_links = ("id",)
    list_select_related = ("check_row",)
    actions = None
    change_list_template = "django_health_check_job/keyset_list.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: it is the record of what happened."""
        return False
