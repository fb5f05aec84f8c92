"""Addresses of the tests: the API where the app's page says, and the admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/job-automation/", include("django_job_automation.api.urls")),
    path("admin/", admin.site.urls),
]
