"""Addresses, for ``path("api/job-automation/", include("django_job_automation.api.urls"))``."""

from django.urls import path

from django_job_automation.api.views import DashboardView, RunView, SettingsView

__all__ = ["app_name", "urlpatterns"]

app_name = "django_job_automation"

urlpatterns = [
    path("settings/", SettingsView.as_view(), name="settings"),
    path("run-manual/", RunView.as_view(), name="run-manual"),
    path("dashboard/", DashboardView.as_view(), name="dashboard"),
]
