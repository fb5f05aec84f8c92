"""System checks of django_health_check_job. Health checks live in ``probes``."""

from django_health_check_job.conf import HealthCheckJobSettings, PublishedSettings
from django_opskit.conf import settings_check

__all__ = ["check_published", "check_settings"]

#: E001 to E003: the setting ``HEALTH_CHECK_JOB``, and the five published ones.
check_settings = settings_check(HealthCheckJobSettings, "django_health_check_job")
check_published = settings_check(PublishedSettings, "django_health_check_job")
