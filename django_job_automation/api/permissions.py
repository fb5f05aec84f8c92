"""Who may read, start runs, and change settings: three permissions of Django's own kind."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

__all__ = ["MayChangeSettings", "MayRead", "MayRun", "RunThrottle"]

_APP = "django_job_automation"


class MayRead(BasePermission):
    """Accounts that may view runs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the account may."""
        return bool(request.user.has_perm(f"{_APP}.view_run"))


class MayRun(BasePermission):
    """Accounts that may start a run."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the account may."""
        return bool(request.user.has_perm(f"{_APP}.run_automation"))


class MayChangeSettings(BasePermission):
    """Who may read reads; accounts that may change settings change them."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the account may."""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return MayRead().has_permission(request, view)
        return bool(request.user.has_perm(f"{_APP}.change_settingsoverride"))


class RunThrottle(UserRateThrottle):
    """Six runs a minute for an account; set another rate in a subclass."""

    scope = "job_automation_run"
    rate = "6/min"
