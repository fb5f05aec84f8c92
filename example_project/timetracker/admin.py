"""
The admin of the time tracker: people, tasks, and a view of everything that was booked.

Time entries are shown and not edited here: the rules of a day span its entries, so they change
on the day's page, which each entry links to.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from timetracker.models import DaySummary, Employee, SyncRun, TaskCache, TaskSource, TimeEntry
from timetracker.tasks import summarise_employee

if TYPE_CHECKING:
    from django.forms import ModelForm

    _ModelAdmin = admin.ModelAdmin[Any]
    _EmployeeAdmin = admin.ModelAdmin[Employee]
    _TaskAdmin = admin.ModelAdmin[TaskCache]
    _TimeEntryAdmin = admin.ModelAdmin[TimeEntry]
    _DaySummaryAdmin = admin.ModelAdmin[DaySummary]
    _TaskSourceAdmin = admin.ModelAdmin[TaskSource]
    _SyncRunAdmin = admin.ModelAdmin[SyncRun]
else:
    _ModelAdmin = _EmployeeAdmin = _TaskAdmin = _TimeEntryAdmin = admin.ModelAdmin
    _DaySummaryAdmin = _TaskSourceAdmin = _SyncRunAdmin = admin.ModelAdmin


# django-simple-history has these words in some languages only.
CHANGES = {"+": _("Created"), "~": _("Changed"), "-": _("Deleted")}


class WrittenElsewhere:
    """For rows that services write: the admin neither adds nor changes them."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody changes rows here."""
        return False


class Untouchable(WrittenElsewhere):
    """For rows that are not removed here either."""

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody removes rows here."""
        return False


class WithHistory(_ModelAdmin):
    """Leads from a row to its history: see :class:`HistoryAdmin`."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Open the row's own lines in the list of all changes."""
        history = self.model.history.model._meta
        changes = reverse(f"admin:{history.app_label}_{history.model_name}_changelist")
        return redirect(f"{changes}?{urlencode({'id__exact': object_id})}")


@admin.register(Employee)
class EmployeeAdmin(WithHistory, _EmployeeAdmin):
    """Who books time, and how much is asked of them."""

    list_display = ("email", "user", "daily_norm_minutes", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("user",)
    search_fields = ("email", "user__username")
    autocomplete_fields = ("user",)

    def save_model(
        self, request: HttpRequest, obj: Employee, form: "ModelForm[Employee]", change: bool
    ) -> None:
        """Save the employee, and let open days follow a norm that has changed."""
        super().save_model(request, obj, form, change)
        if change and "daily_norm_minutes" in form.changed_data:
            # In the admin's transaction: no worker sees the task before the norm, and a change
            # that is rolled back leaves no task behind.
            summarise_employee.enqueue(obj.pk)


@admin.register(TaskCache)
class TaskCacheAdmin(WithHistory, _TaskAdmin):
    """Tasks as the planning system last told them."""

    list_display = (
        "display_name",
        "external_id",
        "project_phase",
        "department",
        "discipline",
        "is_active",
        "synced_at",
    )
    list_filter = ("is_active", "department", "discipline", "source")
    search_fields = ("display_name", "external_id")
    readonly_fields = ("source", "source_updated_at", "synced_at", "created_at", "updated_at")


@admin.register(TimeEntry)
class TimeEntryAdmin(Untouchable, WithHistory, _TimeEntryAdmin):
    """What was booked. Removing an entry is a change of its day too, and made there."""

    list_display = ("date", "employee", "task", "duration_minutes", "hours_decimal", "day_page")
    list_filter = ("date", "employee")
    list_select_related = ("employee", "task")
    search_fields = ("employee__email", "task__display_name", "task__external_id")
    show_full_result_count = False

    @admin.display(description=_("Day"))
    def day_page(self, entry: TimeEntry) -> SafeString:
        """Return the link to the page where the entry's day is changed."""
        url = reverse("timetracker:day", args=[entry.employee_id, entry.date])
        return format_html('<a href="{}">{}</a>', url, _("Open the day"))


@admin.register(DaySummary)
class DaySummaryAdmin(WrittenElsewhere, _DaySummaryAdmin):
    """The sums that the outbox's workers computed."""

    list_display = (
        "date",
        "employee",
        "total_minutes",
        "norm_minutes",
        "balance_minutes",
        "entries_count",
        "computed_at",
    )
    list_filter = ("date", "employee")
    list_select_related = ("employee",)
    show_full_result_count = False


@admin.register(TaskSource)
class TaskSourceAdmin(_TaskSourceAdmin):
    """Where tasks come from."""

    list_display = ("url", "synced_at", "full_synced_at")
    readonly_fields = ("etag", "cursor", "full_synced_at", "synced_at")


@admin.register(SyncRun)
class SyncRunAdmin(WrittenElsewhere, _SyncRunAdmin):
    """Every synchronisation and how it ended."""

    list_display = (
        "started_at",
        "source",
        "mode",
        "outcome",
        "added",
        "updated",
        "deactivated",
        "unchanged",
        "rejected",
        "finished_at",
    )
    list_filter = ("outcome", "mode", "source")
    list_select_related = ("source",)
    show_full_result_count = False


class HistoryAdmin(Untouchable, _ModelAdmin):
    """
    All changes of one model, the deletions among them, which the rows themselves cannot tell.

    A list of our own, because the pages of django-simple-history bring inline styles, which
    the site's Content-Security-Policy refuses, and forms that look as if they could be sent.
    """

    columns: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    date_hierarchy = "history_date"
    list_display_links = None
    show_full_result_count = False

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Return when, what and who, then the columns of the model."""
        return ("changed_at", "change", "changed_by", *self.columns)

    def get_list_select_related(self, request: HttpRequest) -> tuple[str, ...]:
        """Return what the columns refer to."""
        return ("history_user", *self.related)

    @admin.display(description=_("changed"), ordering="history_date")
    def changed_at(self, row: Any) -> datetime:
        """Return when it happened."""
        return cast(datetime, row.history_date)

    @admin.display(description=_("change"), ordering="history_type")
    def change(self, row: Any) -> str:
        """Return what happened: created, changed or deleted."""
        return str(CHANGES[row.history_type])

    @admin.display(description=_("changed by"))
    def changed_by(self, row: Any) -> str | None:
        """Return who did it; nobody when it was a command or a worker."""
        return str(row.history_user) if row.history_user else None


@admin.register(Employee.history.model)
class EmployeeHistoryAdmin(HistoryAdmin):
    """Changes of employees."""

    columns = ("email", "daily_norm_minutes", "is_active")


@admin.register(TaskCache.history.model)
class TaskHistoryAdmin(HistoryAdmin):
    """Changes of tasks, most of them by the synchronisation."""

    columns = ("external_id", "display_name", "project_phase", "department", "is_active")


@admin.register(TimeEntry.history.model)
class TimeEntryHistoryAdmin(HistoryAdmin):
    """Changes of what was booked."""

    columns = ("date", "employee", "task", "duration_minutes")
    related = ("employee", "task")
