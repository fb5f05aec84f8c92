"""Addresses of the tests: the app's own, and the admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("health/", include("django_health_check_job.urls")),
    path("admin/", admin.site.urls),
]
