"""The pages: home, a month, a day."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from timetracker import wording
from timetracker.access import may_change, own_employee, visible_employee
from timetracker.exceptions import TimesheetError
from timetracker.forms import DayForm, day_form
from timetracker.models import Employee, TimeEntry
from timetracker.services import month_sheet, save_day, why_closed

__all__ = ["day", "home", "month", "this_month", "today"]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The way in."""
    return render(request, "timetracker/home.html", {"employee": own_employee(request.user)})


@require_safe
@login_required
def this_month(request: HttpRequest) -> HttpResponse:
    """Lead to the current month of whoever is logged in."""
    if employee := own_employee(request.user):
        return redirect("timetracker:month", employee.pk, timezone.localdate())
    return redirect("timetracker:home")


@require_safe
@login_required
def today(request: HttpRequest) -> HttpResponse:
    """Lead to today of whoever is logged in."""
    if employee := own_employee(request.user):
        return redirect("timetracker:day", employee.pk, timezone.localdate())
    return redirect("timetracker:home")


@require_safe
@login_required
def month(request: HttpRequest, employee_id: int, first: date) -> HttpResponse:
    """A month as a calendar: time worked, balance, and how far the sums are."""
    employee = visible_employee(request.user, employee_id)
    context = {
        "employee": employee,
        "sheet": month_sheet(employee, first),
        "today": timezone.localdate(),
    }
    return render(request, "timetracker/month.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def day(request: HttpRequest, employee_id: int, day: date) -> HttpResponse:
    """A day: its entries, as a form while the day can be changed."""
    employee = visible_employee(request.user, employee_id)
    is_editor = may_change(request.user, employee)
    if request.method == "POST" and not is_editor:
        raise PermissionDenied
    standing = TimeEntry.objects.filter(employee=employee, date=day).select_related("task")
    form = day_form(request.POST if request.method == "POST" else None, standing)
    if form.is_valid() and _save(request, employee, day, form):
        return redirect("timetracker:month", employee.pk, day)

    closed = why_closed(employee, day, now=timezone.now())
    context = {
        "employee": employee,
        "day": day,
        "entries": standing,
        "minutes": sum(entry.duration_minutes for entry in standing),
        "form": form if is_editor and not closed else None,
        "closed": wording.explain(closed) if closed else "",
    }
    return render(request, "timetracker/day.html", context)


def _save(request: HttpRequest, employee: Employee, day: date, form: DayForm) -> bool:
    """Save the day and say so, or show in the form why not."""
    try:
        saved = save_day(employee, day, form.entries(), now=timezone.now())
    except TimesheetError as error:
        form.refuse(error)
        return False
    messages.success(request, wording.saved(saved))
    return True
