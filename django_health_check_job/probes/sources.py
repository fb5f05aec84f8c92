"""Where checks are listed: settings, registries, a view; and what a bare site gets."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.db import connections
from django.urls import resolve, reverse

from django_health_check_job.conf import HealthCheckJobSettings
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes.cache import Cache
from django_health_check_job.probes.database import Database
from django_health_check_job.probes.health_check import plugins_registered
from django_health_check_job.probes.making import label_of
from django_health_check_job.probes.migrations import Migrations
from django_health_check_job.probes.registry import registered

__all__ = ["Entry", "bare_site", "from_registries", "from_settings", "from_view"]

#: Settings without a database hold this engine, under the default alias.
_NO_DATABASE = "django.db.backends.dummy"


@dataclass(frozen=True)
class Entry:
    """
    One check as somebody has listed it.

    Attributes:
        raw: what they wrote.
        place: where, for people who have to mend it.
        is_settings: whether it is from our own setting, where two names make two checks.
    """

    raw: Any
    place: str
    is_settings: bool = False


def from_settings(conf: HealthCheckJobSettings) -> Iterator[Entry]:
    """Yield the entries of ``HEALTH_CHECK_JOB["CHECKS"]``."""
    for index, raw in enumerate(conf.CHECKS):
        yield Entry(raw, f"HEALTH_CHECK_JOB['CHECKS'][{index}]", is_settings=True)


def from_registries() -> Iterator[Entry]:
    """Yield what apps have registered: with our @register, then with plugin_dir."""
    for check, keys in registered():
        yield Entry({**keys, "CHECK": check}, f"The check {label_of(check)}, see @register")
    for plugin, options in plugins_registered():
        yield Entry((plugin, options), f"The check {label_of(plugin)}, see plugin_dir.register()")


def from_view(name: str) -> list[Entry]:
    """
    Return what a HealthCheckView of the URLconf lists.

    Raises:
        CheckSetupError: there is no such view, or it has no list.
    """
    try:
        view = resolve(reverse(name)).func
    except Exception as error:
        # NoReverseMatch, or whatever the URLconf raises when it is imported.
        raise CheckSetupError(
            f"no view is called {name!r} in the URLconf ({type(error).__name__})"
        ) from error
    view_class = getattr(view, "view_class", None)
    given = getattr(view, "view_initkwargs", {})
    checks = given.get("checks", getattr(view_class, "checks", None))
    if not isinstance(checks, Iterable) or isinstance(checks, str | bytes):
        raise CheckSetupError(f"the view {name!r} has no list of checks")
    return [Entry(raw, f"The view {name!r}, its check {index}") for index, raw in enumerate(checks)]


def bare_site() -> Iterator[Entry]:
    """Yield what is worth a look on any site: its databases, its caches and its migrations."""
    databases = [
        alias for alias in connections if connections.settings[alias]["ENGINE"] != _NO_DATABASE
    ]
    place = "The checks of a site that lists none"
    for alias in databases:
        yield Entry((Database, {"alias": alias}), place)
    for alias in caches.settings:
        yield Entry((Cache, {"alias": alias}), place)
    # The others may belong to programs that do not know Django's migrations.
    for alias in databases[:1]:
        yield Entry((Migrations, {"alias": alias}), place)
