"""What people set for single checks in the admin, laid over the settings."""

from collections.abc import Iterable
from dataclasses import replace

from django_health_check_job.engine.standing import Thresholds
from django_health_check_job.models import CheckConfig
from django_health_check_job.probes.spec import CheckSpec

__all__ = ["Override", "apply_overrides", "read_overrides"]

Override = tuple[bool, float | None, float | None, int | None, int | None]

_FIELDS = ("is_enabled", "interval_seconds", "timeout_seconds", "failures", "successes")


def read_overrides(using: str | None = None) -> dict[str, Override]:
    """Return what is set for the checks of this site, by name."""
    rows = CheckConfig.objects.using(using).filter(check_row__source="")
    return {name: tuple(rest) for name, *rest in rows.values_list("check_row__name", *_FIELDS)}


def apply_overrides(specs: Iterable[CheckSpec], overrides: dict[str, Override]) -> list[CheckSpec]:
    """Return the checks as they are to be run: those that are disabled are left out."""
    found = []
    for spec in specs:
        enabled, interval, timeout, failures, successes = overrides.get(
            spec.name, (True, None, None, None, None)
        )
        if enabled:
            found.append(
                replace(
                    spec,
                    interval_seconds=interval or spec.interval_seconds,
                    timeout_seconds=timeout or spec.timeout_seconds,
                    thresholds=Thresholds(
                        failures=failures or spec.thresholds.failures,
                        successes=successes or spec.thresholds.successes,
                    ),
                )
            )
    return found
