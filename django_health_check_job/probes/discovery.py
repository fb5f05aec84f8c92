"""Find the checks of this site."""

import logging
from dataclasses import dataclass, field
from typing import Literal

from django_health_check_job.conf import CheckSettings, HealthCheckJobSettings, PublishedSettings
from django_health_check_job.engine.naming import LONGEST_NAME, fitted, slug_of, unique
from django_health_check_job.engine.standing import Thresholds
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes.base import Probe
from django_health_check_job.probes.broken import BrokenProbe
from django_health_check_job.probes.making import Maker, label_of, read_entry, resolved
from django_health_check_job.probes.sources import (
    Entry,
    bare_site,
    from_registries,
    from_settings,
    from_view,
)
from django_health_check_job.probes.spec import CheckSpec
from django_opskit.masking import mask_text

__all__ = ["Discovery", "DiscoveryProblem", "discover"]

logger = logging.getLogger(__name__)

#: Leaves room for a number behind a slug, within the column of a name.
_LONGEST_SLUG = LONGEST_NAME - 4


@dataclass(frozen=True)
class DiscoveryProblem:
    """
    Something in the lists of checks that does not work.

    Attributes:
        kind: ``check`` cannot be set up, ``view`` cannot be read, or a ``name`` is given twice.
        message: a sentence that names the thing and the value.
        hint: the way out.
    """

    kind: Literal["check", "view", "name"]
    message: str
    hint: str


@dataclass(frozen=True)
class Discovery:
    """The checks of this site, in order, and what is wrong with their lists."""

    specs: list[CheckSpec]
    problems: list[DiscoveryProblem]


def discover(conf: HealthCheckJobSettings, published: PublishedSettings) -> Discovery:
    """
    Return the checks of this site: of the settings, of the registries and of the view.

    A check that cannot be set up is among them, and says so when it runs. One that is listed
    twice with the same options is run once; the settings come first, so that they can give a
    registered check its name or its interval. A site that lists none gets those that suit any.
    """
    found = _Findings(conf, published)
    for entry in from_settings(conf):
        found.add(entry)
    if conf.USE_REGISTRIES:
        for entry in from_registries():
            found.add(entry)
    if conf.VIEW is not None:
        found.add_view(conf.VIEW)
    elif not found.specs:
        for entry in bare_site():
            found.add(entry)
    return Discovery(found.specs, found.problems)


@dataclass
class _Findings:
    conf: HealthCheckJobSettings
    published: PublishedSettings
    specs: list[CheckSpec] = field(default_factory=list)
    problems: list[DiscoveryProblem] = field(default_factory=list)
    _makers: list[tuple[Maker, str | None]] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)
    _slugs: set[str] = field(default_factory=set)

    def add(self, entry: Entry) -> None:
        """Add one entry; whatever is wrong with it stays its own problem."""
        settings: CheckSettings | None = None
        label = label_of(entry.raw)
        try:
            settings = read_entry(entry.raw)
            maker = Maker(resolved(settings.CHECK), settings.OPTIONS)
            if self._is_listed(maker, settings.NAME if entry.is_settings else None):
                return
            self._add(maker.make(), maker, settings, entry.place)
        except CheckSetupError as error:
            self._add_broken(label, settings, error)
            self._report("check", entry.place, error, _way_out(settings))
        except Exception as error:  # noqa: BLE001  # a property or __eq__ of somebody's class
            # The type alone, as of a check that runs: its text may hold what it was set up with.
            logger.error(
                "a check could not be set up place=%s error=%s", entry.place, type(error).__name__
            )
            unforeseen = CheckSetupError(f"{label} raised {type(error).__name__}")
            self._add_broken(label, settings, unforeseen)
            self._report(
                "check",
                entry.place,
                unforeseen,
                "Set it up in a shell to see why: its message is shown nowhere else.",
            )

    def add_view(self, name: str) -> None:
        """Add what a view lists."""
        try:
            entries = from_view(name)
        except CheckSetupError as error:
            self._add_broken(f"View {name}", None, error)
            self._report(
                "view",
                "HEALTH_CHECK_JOB['VIEW']",
                error,
                "Give the name of a HealthCheckView, with its namespace if it has one, or leave "
                "VIEW out.",
            )
            return
        for entry in entries:
            self.add(entry)

    def _is_listed(self, maker: Maker, name: str | None) -> bool:
        """Return whether the check is listed already, and remember it if it is not."""
        for listed, its_name in self._makers:
            # Two names in the settings are a wish; anywhere else it is the same check again.
            if listed.is_same_as(maker) and (name is None or name == its_name):
                return True
        self._makers.append((maker, name))
        return False

    def _add(self, probe: Probe, maker: Maker, settings: CheckSettings, place: str) -> None:
        name = fitted(settings.NAME or mask_text(str(probe.name)))
        if settings.NAME is not None and name in self._names:
            self.problems.append(
                DiscoveryProblem(
                    "name",
                    f"{place}: NAME {name!r} is taken; it runs as {unique(name, self._names)!r}.",
                    "Give each check a NAME of its own: its history belongs to its name.",
                )
            )
        critical = probe.critical if settings.CRITICAL is None else settings.CRITICAL
        timeout_seconds = settings.TIMEOUT_SECONDS or probe.timeout_seconds
        self._append(name, maker, settings, critical=critical, timeout_seconds=timeout_seconds)

    def _add_broken(
        self, label: str, settings: CheckSettings | None, error: CheckSetupError
    ) -> None:
        name, reason = fitted(mask_text(label)), str(error)
        settings = settings or CheckSettings(CHECK=None)
        self._append(
            name,
            Maker(BrokenProbe, {"name": name, "reason": reason}),
            settings,
            critical=settings.CRITICAL is not False,
            timeout_seconds=settings.TIMEOUT_SECONDS,
        )

    def _append(
        self,
        name: str,
        maker: Maker,
        settings: CheckSettings,
        *,
        critical: bool,
        timeout_seconds: float | None,
    ) -> None:
        name = unique(name, self._names)
        slug = unique(_fitted_slug(name), self._slugs, "-")
        self._names.add(name)
        self._slugs.add(slug)
        timeout_seconds = timeout_seconds or self.conf.TIMEOUT_SECONDS
        spec = CheckSpec(
            name=name,
            slug=slug,
            critical=critical,
            interval_seconds=settings.INTERVAL_SECONDS or self.published.HEALTH_CHECK_INTERVAL,
            timeout_seconds=timeout_seconds,
            thresholds=Thresholds(
                failures=settings.FAILURES or self.conf.FAILURES,
                successes=settings.SUCCESSES or self.conf.SUCCESSES,
            ),
            make=maker,
        )
        self.specs.append(spec.with_timeout(timeout_seconds))

    def _report(
        self, kind: Literal["check", "view"], place: str, error: CheckSetupError, hint: str
    ) -> None:
        # People at the console may read what a library says; the published reason is without it.
        cause = error.__cause__
        text = mask_text(str(cause)) if cause is not None else ""
        more = f" ({text})" if text and text not in str(error) else ""
        self.problems.append(DiscoveryProblem(kind, f"{place}: {error}{more}.", hint))


def _fitted_slug(name: str) -> str:
    """Return the slug of a name in no more than its column takes: hyphens make it longer."""
    return fitted(slug_of(name), _LONGEST_SLUG).replace("~", "-")


def _way_out(settings: CheckSettings | None) -> str:
    check = settings.CHECK if settings else None
    if isinstance(check, str) and check.startswith("health_check."):
        return (
            "django-health-check 3 and 4 have their checks in different places: see which version "
            "is installed, and whether it is."
        )
    return "Correct CHECK and OPTIONS, or take the entry out."
