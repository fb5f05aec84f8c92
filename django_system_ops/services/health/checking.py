"""Which services are asked, and what comes of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django_system_ops.conf import get_conf
from django_system_ops.conf.health import BUILT_IN_SERVICES, HealthSettings
from django_system_ops.engine.findings import CheckResult, State, is_healthy, worst
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.health import (
    apis,
    backlogs,
    caches,
    celery_workers,
    databases,
    disks,
    own_services,
    redis_servers,
    storage,
)
from django_system_ops.services.health.masking import Masking
from django_system_ops.services.health.probes import Probe
from django_system_ops.services.health.running import run_probes

__all__ = ["HealthReport", "check_health", "service_names"]

_SOURCES: tuple[Callable[[HealthSettings], Iterator[Probe]], ...] = (
    databases.probes,
    caches.probes,
    redis_servers.probes,
    celery_workers.probes,
    storage.probes,
    backlogs.probes,
    apis.probes,
    disks.probes,
    own_services.probes,
)


@dataclass(frozen=True)
class HealthReport:
    """What all services say, in the order of the settings."""

    results: tuple[CheckResult, ...]

    @property
    def state(self) -> State:
        """Return the worst of them."""
        return worst(result.state for result in self.results)

    def is_healthy(self, *, fail_on: State = State.FAIL) -> bool:
        """Return whether none is as bad as ``fail_on``, and at least one was asked."""
        return is_healthy((result.state for result in self.results), fail_on=fail_on)

    def counts(self) -> dict[str, int]:
        """Return how many stand how."""
        states = [result.state for result in self.results]
        return {state.value: states.count(state) for state in State}


def service_names() -> list[str]:
    """Return what can be asked for: the kinds of services, and the site's own."""
    return [*BUILT_IN_SERVICES, *get_conf().health.services]


def check_health(
    services: Iterable[str] = (), *, timeout_seconds: float | None = None
) -> HealthReport:
    """
    Ask services and return what they say; all of them when none is named.

    Args:
        services: kinds, such as ``database``, or single ones, such as ``database:default``.
        timeout_seconds: how long each may take, in place of what the settings say.

    Raises:
        WrongUsageError: there is no such service; the sentence lists those that there are.
        ImproperlyConfigured: the settings cannot be read.
    """
    conf = get_conf().health

    def limit(probe: Probe) -> float:
        return timeout_seconds or probe.timeout_seconds or conf.timeout_seconds

    probes = _chosen([probe for source in _SOURCES for probe in source(conf)], list(services))
    masking = Masking(conf)
    return HealthReport(tuple(masking.result(one) for one in run_probes(probes, limit)))


def _chosen(probes: Sequence[Probe], names: Sequence[str]) -> list[Probe]:
    for name in names:
        if not any(name in (probe.service, probe.name) for probe in probes):
            kinds = dict.fromkeys(probe.service for probe in probes)
            single = [probe.name for probe in probes if probe.name not in kinds]
            raise WrongUsageError(
                f"There is no service {name!r}. There are {', '.join(kinds)}; one alone is "
                f"{', '.join(single)}."
            )
    return [probe for probe in probes if not names or {probe.service, probe.name} & set(names)]
