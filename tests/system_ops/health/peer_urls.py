"""One page of django-health-check, as its newer line has it."""

from django.urls import path
from health_check.views import HealthCheckView

urlpatterns = [
    path("ht/", HealthCheckView.as_view(checks=["health_check.Database"]), name="ht"),
    path("none/", HealthCheckView.as_view(checks=[]), name="none"),
]
