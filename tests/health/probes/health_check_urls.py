"""A URLconf with views of django-health-check, on whichever line is installed."""

from django.urls import path
from health_check.views import HealthCheckView

from tests.health.probes.test_adapter import Queue, raising


class OwnView(HealthCheckView):  # type: ignore[misc]  # the library has no types
    """Checks as a class attribute."""

    checks = (raising(None),)


GIVEN = ["health_check.Cache", (Queue, {"host": "mq"}), raising(None)]

urlpatterns = [
    path("given/", HealthCheckView.as_view(checks=GIVEN), name="given"),
    path("own/", OwnView.as_view(), name="own"),
]
