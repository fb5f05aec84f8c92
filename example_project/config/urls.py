"""Addresses of the example site."""

from importlib.util import find_spec

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView


def job_automation_api() -> list[URLPattern | URLResolver]:
    """Return the REST API of job automation and its schema; none without django-opskit[api]."""
    if find_spec("rest_framework") is None:
        return []
    from drf_spectacular.views import SpectacularAPIView

    return [
        path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
        path("api/job-automation/", include("django_job_automation.api.urls")),
    ]


urlpatterns = [
    path("", include("timetracker.urls")),
    path("login/", LoginView.as_view(template_name="timetracker/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("i18n/", include("django.conf.urls.i18n")),
    *job_automation_api(),
    path("api/", include("timetracker.api.urls")),
    path("health/", include("django_health_check_job.urls")),
    path("status/", RedirectView.as_view(pattern_name="admin:django_health_check_job_status")),
    path("admin/", admin.site.urls),
]
