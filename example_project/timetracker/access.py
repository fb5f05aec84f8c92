"""Who may see and change whose time."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.http import Http404

from timetracker.models import Employee

__all__ = ["may_change", "own_employee", "visible_employee"]

User = AbstractBaseUser | AnonymousUser


def own_employee(user: User) -> Employee | None:
    """Return the employee that ``user`` is, if they are one."""
    return Employee.objects.filter(user_id=user.pk).first() if user.pk else None


def visible_employee(user: User, employee_id: int) -> Employee:
    """
    Return the employee if ``user`` may see their time: their own, or anyone's by permission.

    Raises:
        Http404: there is no such employee, or ``user`` may not know whether there is.
    """
    employee = Employee.objects.filter(pk=employee_id).first()
    if employee is None or not _may(user, employee, "timetracker.view_timeentry"):
        raise Http404
    return employee


def may_change(user: User, employee: Employee) -> bool:
    """Say whether ``user`` may change that employee's time."""
    return _may(user, employee, "timetracker.change_timeentry")


def _may(user: User, employee: Employee, permission: str) -> bool:
    if employee.user_id == user.pk:
        return True
    return isinstance(user, PermissionsMixin | AnonymousUser) and user.has_perm(permission)
