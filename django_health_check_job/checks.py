"""System checks of django_health_check_job. Health checks live in ``probes``."""

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from django_health_check_job.conf import (
    HealthCheckJobSettings,
    PublishedSettings,
    get_conf,
    get_published,
)
from django_health_check_job.probes.discovery import discover
from django_opskit.conf import settings_check

__all__ = ["check_published", "check_settings", "check_what_is_set"]

#: E001 to E003: the setting ``HEALTH_CHECK_JOB``, and the five published ones.
check_settings = settings_check(HealthCheckJobSettings, "django_health_check_job")
check_published = settings_check(PublishedSettings, "django_health_check_job")


def check_what_is_set(**_kwargs: object) -> list[CheckMessage]:
    """Say what does not work although each setting by itself is right."""
    try:
        conf, published = get_conf(), get_published()
    except ImproperlyConfigured:
        return []  # said by the checks above
    found = [*_sending(published), *_receiving(conf)]
    if not settings.USE_TZ:
        found.append(
            Error(
                "django_health_check_job needs USE_TZ = True, got False.",
                hint="Moments are stored and sent in UTC.",
                id="django_health_check_job.E005",
            )
        )
    found += [
        CheckWarning(problem.message, hint=problem.hint or None, id="django_health_check_job.W001")
        for problem in discover(conf, published).problems
    ]
    return found


def _sending(published: PublishedSettings) -> Iterator[CheckMessage]:
    if not published.SYNC_HEALTH_CHECK_DATA:
        return
    for name in ("SYNC_SERVER_URL", "SYNC_APP_ID"):
        if not getattr(published, name):
            yield Error(
                f"SYNC_HEALTH_CHECK_DATA is True, and {name} is not set.",
                hint=f"Set {name}, or set SYNC_HEALTH_CHECK_DATA to False.",
                id="django_health_check_job.E004",
            )


def _receiving(conf: HealthCheckJobSettings) -> Iterator[CheckMessage]:
    for app_id, app in conf.RECEIVER.APPS.items():
        if app.API_KEY is None and app.HMAC_SECRET is None:
            yield CheckWarning(
                f"HEALTH_CHECK_JOB['RECEIVER']['APPS'][{app_id!r}] has neither a key nor a secret: "
                "anybody can send under its name.",
                hint="Give it an API_KEY or an HMAC_SECRET.",
                id="django_health_check_job.W002",
            )
