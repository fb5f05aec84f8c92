"""What is wrong with what health_check is to ask, and whose command it is."""

from collections.abc import Iterator
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_system_ops.conf import get_conf
from django_system_ops.conf.health import ApiSettings, HealthSettings
from django_system_ops.services.health.celery_workers import celery_app

__all__ = ["check_health_command", "check_health_settings"]


def check_health_command(**_kwargs: object) -> list[CheckMessage]:
    """W040: the command ``health_check`` is the one of django-health-check."""
    # Django takes the command of the app that comes first.
    names = [config.name for config in apps.get_app_configs()]
    both = [name for name in names if name in ("health_check", "django_system_ops")]
    # In the other order ours hands on what is meant for theirs: nothing to tell each time.
    if both != ["health_check", "django_system_ops"]:
        return []
    return [
        Warning(
            "manage.py health_check is the command of django-health-check, which knows no "
            "--service; the one of django_system_ops is ops_health_check.",
            hint='Write "django_system_ops" before "health_check" in INSTALLED_APPS: it '
            "hands calls with an endpoint on to django-health-check. Or call "
            "ops_health_check, and silence this.",
            id="django_system_ops.W040",
        )
    ]


def check_health_settings(**_kwargs: object) -> list[CheckMessage]:
    """E040, E041, W041: callables, the Celery app, secrets that travel in clear text."""
    try:
        conf = get_conf().health
    except ImproperlyConfigured:
        return []  # E001 to E003 say what is wrong
    return [*_callables(conf), *_celery(conf), *_clear_text(conf)]


def _callables(conf: HealthSettings) -> Iterator[CheckMessage]:
    paths = {f"services'][{name!r}": path for name, path in conf.services.items()}
    paths |= {
        f"backlog'][{name!r}]['callable'": queue.callable for name, queue in conf.backlog.items()
    }
    for key, path in paths.items():
        try:
            is_callable = callable(import_string(path))
            problem = "" if is_callable else "it is nothing that can be called."
        except Exception as error:  # noqa: BLE001  # importing runs a site's code
            problem = f"{type(error).__name__}: {error}"
        if problem:
            place = f"MANAGEMENT_COMMANDS['health']['{key}]".replace("']]", "']")
            yield Error(
                f"{place} names {path!r}: {problem}",
                hint="Write the dotted path of a function, such as 'shop.health.payments'.",
                id="django_system_ops.E040",
            )


def _celery(conf: HealthSettings) -> Iterator[CheckMessage]:
    if not conf.celery_app or find_spec("celery") is None:
        return
    try:
        celery_app(conf.celery_app)
    except Exception as error:  # noqa: BLE001  # importing runs a site's code
        yield Error(
            f"MANAGEMENT_COMMANDS['health']['celery_app'] is {conf.celery_app!r}: {error}",
            hint="Write the dotted path of the app, such as 'config.celery.app'.",
            id="django_system_ops.E041",
        )


def _clear_text(conf: HealthSettings) -> Iterator[CheckMessage]:
    for name, api in conf.apis.items():
        if _tells_secrets(api):
            yield Warning(
                f"MANAGEMENT_COMMANDS['health']['apis'][{name!r}] has headers or a password, and "
                "they travel in clear text.",
                hint="Ask it by https://.",
                id="django_system_ops.W041",
            )


def _tells_secrets(api: ApiSettings) -> bool:
    parts = urlsplit(api.url.get_secret_value())
    has_secrets = bool(api.headers or parts.password)
    return has_secrets and parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
