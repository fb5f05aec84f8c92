"""The results in Django's admin: to look at, and to annotate."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin  # type: ignore[import-untyped]  # no types

from django_health_check_job.admin.filters import MessageFilter, NameFilter, StatusFilter
from django_health_check_job.models import HeathCheckJob
from django_opskit.keyset_admin import KeysetAdmin

__all__ = ["HeathCheckJobAdmin"]

if TYPE_CHECKING:
    _History = object  # it has no types
else:
    _History = SimpleHistoryAdmin


@admin.register(HeathCheckJob)
class HeathCheckJobAdmin(KeysetAdmin, _History):
    """What the monitors have seen. Nobody changes a result; what people add is its annotation."""

    list_display = ("id", "name", "status", "message", "created_at", "updated_at")
    list_display_links = ("id", "name")
    list_filter = (StatusFilter, NameFilter, MessageFilter)
    filter_parameters = ("status", "name", "message")
    search_fields = ("name", "message")
    search_help_text = _("A part of the name or of the message.")
    history_list_display = ["status"]
    has_something_to_save = True
    not_in_list = ("annotation",)
    change_list_template = "django_health_check_job/keyset_list.html"
    # Our own: those of the library need it in INSTALLED_APPS.
    object_history_template = "django_health_check_job/object_history.html"
    one_page_text = _("Actions work on the rows of one page. For more, use monitor_cleanup.")
    fieldsets = (
        (None, {"fields": ("name", "status", "state", "message", "annotation")}),
        (
            _("Run"),
            {"fields": ("check_row", "round", "checked_at", "duration_seconds", "created_at")},
        ),
    )

    class Media:
        css = {"all": ("django_health_check_job/admin.css",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return every field but the annotation."""
        fields = super().get_readonly_fields(request, obj)
        return tuple(name for name in fields if name != "annotation")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the results that hold the text; never twice the same."""
        found, _may_repeat = super().get_search_results(request, queryset, search_term)
        return found, False

    def get_history_queryset(
        self, request: HttpRequest, history_manager: Any, pk_name: str, object_id: Any
    ) -> QuerySet[Any]:
        """Return the edits of one result, with their users."""
        edits: QuerySet[Any] = history_manager.filter(**{pk_name: object_id})
        return edits.select_related("history_user")

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say that there is no such page: a result is not put back to what it was."""
        raise Http404("Results are not reverted.")
