"""Addresses of the example site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("timetracker.urls")),
    path("login/", LoginView.as_view(template_name="timetracker/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("timetracker.api.urls")),
    path("health/", include("django_health_check_job.urls")),
    path("status/", RedirectView.as_view(pattern_name="admin:django_health_check_job_status")),
    path("admin/", admin.site.urls),
]
