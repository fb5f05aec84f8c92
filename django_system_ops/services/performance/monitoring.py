"""The loop: a sample at each tick of a grid, alerts as they come, and what it all came to."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.engine.alerting import Change, Streak
from django_system_ops.engine.grid import last_tick, next_tick
from django_system_ops.engine.measuring import (
    Measurement,
    MetricSummary,
    Series,
    amount,
    verdict,
)
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.health.masking import Masking
from django_system_ops.services.health.probes import reason
from django_system_ops.services.performance.sampling import Round, Sampler
from django_system_ops.services.performance.sources import Source

__all__ = ["PerformanceMonitor", "PerformanceReport", "Sample"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """
    One tick.

    Attributes:
        at: when it was taken.
        measurements: the figures.
        failures: why a source has none, by its name.
        changes: what alerts it raised or ended: the metric or source, which, and a sentence.
    """

    at: datetime
    measurements: tuple[Measurement, ...]
    failures: dict[str, str]
    changes: tuple[tuple[str, Change, str], ...] = ()


@dataclass(frozen=True)
class PerformanceReport:
    """
    What a run came to.

    Attributes:
        samples: how many were taken.
        skipped_ticks: how many were not, because the one before took too long.
        seconds: how long the run was.
        metrics: the figures, in the order in which they came first.
        outages: in how many samples a source said nothing.
        alerts: how often each metric or source raised one.
        verdict: a sentence that names the bottleneck.
    """

    samples: int
    skipped_ticks: int
    seconds: float
    metrics: tuple[MetricSummary, ...]
    outages: dict[str, int]
    alerts: dict[str, int]
    verdict: str

    @property
    def has_alerted(self) -> bool:
        """Return whether there was an alert, over by now or not."""
        return bool(self.alerts)


@dataclass(eq=False)
class PerformanceMonitor:
    """
    Measures until its time is over or :meth:`stop` is called.

    Args:
        sources: what is measured.
        duration_seconds: for how long; 0 for ever.
        interval_seconds: how often.
        threshold_percent: from how much of its limit on a metric is too high.
        consecutive: how many samples in a row make an alert, or end one.
        timeout_seconds: how long one sample waits for a source.
        on_sample: gets each sample.
        on_alert: gets a subject and a text when an alert is raised, and when it is over.
    """

    sources: Sequence[Source]
    duration_seconds: float
    interval_seconds: float
    threshold_percent: float
    consecutive: int
    timeout_seconds: float
    on_sample: Callable[[Sample], object] = lambda _sample: None
    on_alert: Callable[[str, str], object] = lambda _subject, _text: None
    _sampler: Sampler | None = None
    _is_stopping: bool = False
    _series: dict[str, Series] = field(default_factory=dict)
    _streaks: dict[str, Streak] = field(default_factory=dict)
    _outages: Counter[str] = field(default_factory=Counter)
    _alerts: Counter[str] = field(default_factory=Counter)
    _samples: int = 0
    _skipped: int = 0

    def run(self) -> PerformanceReport:
        """Measure, and return what it came to."""
        masking = Masking(get_conf().health)
        started = time.monotonic()
        sampler = self._sampler = Sampler(
            self.sources,
            timeout_seconds=self.timeout_seconds,
            sentence_of=lambda error: masking.text(_sentence(error)),
        )
        try:
            self._loop(sampler, started)
        finally:
            sampler.close()
        return self._report(time.monotonic() - started)

    def stop(self) -> None:
        """Let :meth:`run` return; may be called from a signal handler and from any thread."""
        self._is_stopping = True
        if self._sampler is not None:
            self._sampler.wake()

    def _loop(self, sampler: Sampler, started: float) -> None:
        interval = self.interval_seconds
        last = last_tick(duration_seconds=self.duration_seconds, interval_seconds=interval)
        if self.duration_seconds:
            # A duration that holds no tick has one sample, at its end.
            interval = min(interval, self.duration_seconds)
        tick = 1
        while not self._is_stopping and (not self.duration_seconds or tick <= last):
            sampler.wait_until(started + tick * interval)
            if (found := sampler.ask()) is None:
                return
            self._take(found)
            elapsed = time.monotonic() - started
            following = next_tick(tick, elapsed_seconds=elapsed, interval_seconds=interval)
            over = max(0, following - 1 - last) if self.duration_seconds else 0
            self._skipped += following - tick - 1 - over
            tick = following

    def _take(self, found: Round) -> None:
        self._samples += 1
        self._outages.update(found.failures.keys())
        changes = [*self._judged(found.measurements), *self._heard(found.failures)]
        for one in found.measurements:
            self._series.setdefault(one.metric, Series(one)).add(one)
        self._alerts.update(name for name, change, _ in changes if change is Change.ALERT)
        self.on_sample(Sample(timezone.now(), found.measurements, found.failures, tuple(changes)))
        for name, change, sentence in changes:
            self._tell(name, change, sentence)

    def _judged(self, measurements: Sequence[Measurement]) -> list[tuple[str, Change, str]]:
        changes = []
        for one in measurements:
            if one.percent is None:
                continue
            change = self._observe(one.metric, is_bad=one.percent >= self.threshold_percent)
            if change is not None:
                of_limit = f"{one.percent:.0f} % of {amount(one.limit or 0, one.unit)}"
                changes.append((one.metric, change, f"{one.metric}: {of_limit}"))
        return changes

    def _heard(self, failures: dict[str, str]) -> list[tuple[str, Change, str]]:
        changes = []
        for name in (source.name for source in self.sources):
            change = self._observe(name, is_bad=name in failures)
            if change is not None:
                changes.append((name, change, f"{name}: {failures.get(name, 'answers again')}"))
        return changes

    def _observe(self, name: str, *, is_bad: bool) -> Change | None:
        streak = self._streaks.setdefault(name, Streak(self.consecutive))
        return streak.observe(is_bad=is_bad)

    def _tell(self, name: str, change: Change, sentence: str) -> None:
        word = "Alert" if change is Change.ALERT else "Recovered"
        rows = "one sample" if self.consecutive == 1 else f"{self.consecutive} samples in a row"
        try:
            self.on_alert(f"{word}: {name}", f"{sentence}, {rows}.")
        except Exception:  # whoever is not to be reached must not end the measuring
            logger.warning("alert=%s could not be passed on", name, exc_info=True)

    def _report(self, seconds: float) -> PerformanceReport:
        metrics = tuple(one.summary() for one in self._series.values())
        return PerformanceReport(
            samples=self._samples,
            skipped_ticks=self._skipped,
            seconds=seconds,
            metrics=metrics,
            outages=dict(self._outages),
            alerts=dict(self._alerts),
            verdict=verdict(
                metrics,
                self._outages,
                samples=self._samples,
                threshold_percent=self.threshold_percent,
            ),
        )


def _sentence(error: BaseException) -> str:
    return str(error) if isinstance(error, SystemOpsError) else reason(error)
