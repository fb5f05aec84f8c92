"""Addresses of the task API, for ``path("api/", include("timetracker.api.urls"))``."""

from django.urls import path

from timetracker.api.views import task_list, token

app_name = "timetracker_api"

urlpatterns = [
    path("tasks/", task_list, name="tasks"),
    path("token/", token, name="token"),
]
