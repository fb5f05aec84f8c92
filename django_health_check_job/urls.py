"""
Addresses of this app, for ``path("health/", include("django_health_check_job.urls"))``.

The status page is in the admin. What is here, machines read.
"""

from django.urls import path, re_path

from django_health_check_job.views import reading, receiver

__all__ = ["app_name", "urlpatterns"]

app_name = "django_health_check_job"

#: For everybody: one word each, and no detail.
_public = [
    path("live/", reading.live, name="live"),
    path("ready/", reading.ready, name="ready"),
]

#: For accounts that may view checks, and for METRICS_TOKEN.
_guarded = [
    path("metrics/", reading.metrics, name="metrics"),
    path("api/checks/", reading.check_list, name="checks"),
    path("api/checks/<slug:slug>/results/", reading.history, name="results"),
    path("api/changes/", reading.changes, name="changes"),
]

#: For the sites in RECEIVER["APPS"]. Senders were published without the slash.
_receiver = [re_path(r"^v1/metrics/?$", receiver.receive_metrics, name="receiver")]

urlpatterns = [*_public, *_guarded, *_receiver]
