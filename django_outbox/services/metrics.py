"""
Figures for Prometheus, served by a worker over HTTP.

What the worker did is counted as it is settled, batch by batch, in plain numbers: a labelled
counter of prometheus_client per job would cost more than many jobs. What the database holds is
asked at the scrape, on a thread and a connection of its own, and kept for some seconds.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import connections, router

from django_outbox.models import OutboxJob
from django_outbox.services.execution import Result
from django_outbox.services.settlement import Settled
from django_outbox.services.status import OutboxStatus, QueueStatus, outbox_status

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["MetricsServer", "WorkerMetrics", "require_prometheus"]

logger = logging.getLogger(__name__)

_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
# Enqueuers choose the names: beyond so many, the rest is one.
_MOST_JOB_TYPES = 100
_OTHER = "(other)"

_FRESH_SECONDS = 5.0
# A database that hangs must not make the scrape hang: Prometheus gives up after 10 s by default.
_PATIENCE_SECONDS = 4.0
# Counting stops there: a graph of a backlog needs more than a glance at a terminal.
_COUNT_LIMIT = 100_000

_GAUGES: Sequence[tuple[str, str, Callable[[QueueStatus], float]]] = (
    ("outbox_jobs_due", "Pending jobs whose time has come.", lambda queue: queue.due),
    ("outbox_jobs_later", "Pending jobs scheduled for later.", lambda queue: queue.later),
    ("outbox_jobs_in_progress", "Jobs that workers hold.", lambda queue: queue.in_progress),
    ("outbox_jobs_failed", "Dead letters.", lambda queue: queue.failed),
    (
        "outbox_oldest_due_age_seconds",
        "How long the first due job has been due.",
        lambda queue: queue.oldest_due_seconds or 0.0,
    ),
)


class _RunTimes:
    """How long the jobs of one type ran: counts per bucket, and the sum."""

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.sum = 0.0

    def buckets(self) -> Iterator[tuple[str, float]]:
        """Yield each upper bound with the number of runs up to it."""
        total = 0
        for bound, count in zip((*map(str, _BUCKETS), "+Inf"), list(self.counts), strict=True):
            total += count
            yield bound, total


class WorkerMetrics:
    """
    The figures of one worker: a collector, as prometheus_client calls it.

    ``note_settled`` and ``note_results`` are called on the worker's thread, ``collect`` on those
    of the HTTP server: numbers only grow, so a scrape in between is at most one batch behind.
    """

    def __init__(self, info: dict[str, str], *, using: str | None = None) -> None:
        self.info = info
        self._outcomes: Counter[str] = Counter(dict.fromkeys(asdict(Settled()), 0))
        self._run_times: dict[str, _RunTimes] = {}
        self._database = _CachedStatus(using or router.db_for_read(OutboxJob))

    def note_settled(self, settled: Settled) -> None:
        """Count what became of a batch."""
        self._outcomes.update(asdict(settled))

    def note_results(self, results: Sequence[Result]) -> None:
        """Count how long the jobs of a batch ran."""
        for result in results:
            times = self._run_times.get(result.job.job_type) or self._times(result.job.job_type)
            times.counts[bisect_left(_BUCKETS, result.seconds)] += 1
            times.sum += result.seconds

    def _times(self, job_type: str) -> _RunTimes:
        name = job_type if len(self._run_times) < _MOST_JOB_TYPES else _OTHER
        return self._run_times.setdefault(name, _RunTimes())

    def collect(self) -> "Iterator[Metric]":
        """Yield the metric families of one scrape."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
        )

        yield InfoMetricFamily("outbox_worker", "This worker.", value=self.info)
        outcomes = CounterMetricFamily("outbox_jobs", "Attempts settled.", labels=["outcome"])
        for outcome, count in list(self._outcomes.items()):
            outcomes.add_metric([outcome], count)
        yield outcomes
        runs = HistogramMetricFamily(
            "outbox_job_run_seconds", "How long handlers ran.", labels=["job_type"]
        )
        for job_type, times in list(self._run_times.items()):
            runs.add_metric([job_type], list(times.buckets()), times.sum)
        yield runs
        status = self._database.get()
        up = "Whether the database answered."
        yield GaugeMetricFamily("outbox_up", up, value=float(status is not None))
        if status is not None:
            for name, text, value in _GAUGES:
                gauge = GaugeMetricFamily(name, text, labels=["queue"])
                for queue in status.queues:
                    gauge.add_metric([queue.queue], value(queue))
                yield gauge
            live = sum(worker.is_live for worker in status.workers)
            yield GaugeMetricFamily("outbox_workers_live", "Workers that were seen.", value=live)


class _CachedStatus:
    """The outbox's state, asked by one thread at a time and waited for a few seconds only."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._lock = threading.Lock()
        self._status: OutboxStatus | None = None
        self._asked_at = -_FRESH_SECONDS
        self._answered = threading.Event()
        self._answered.set()

    def get(self) -> OutboxStatus | None:
        """Return the state, five seconds old at most; None when the database does not say."""
        with self._lock:
            is_stale = time.monotonic() - self._asked_at >= _FRESH_SECONDS
            if is_stale and self._answered.is_set():
                self._answered.clear()
                threading.Thread(target=self._ask, name="outbox-metrics", daemon=True).start()
        return self._status if self._answered.wait(_PATIENCE_SECONDS) else None

    def _ask(self) -> None:
        try:
            self._status = outbox_status(limit=_COUNT_LIMIT, using=self._using)
        except Exception as error:  # noqa: BLE001  # the scrape has to say so, not to fail
            logger.info("database=%s metrics without its figures: %s", self._using, error)
            self._status = None
        finally:
            # This thread's connection, and so nobody else's.
            connections.close_all()
            self._asked_at = time.monotonic()
            self._answered.set()


class MetricsServer:
    """
    Serves the figures at ``http://address:port/metrics`` from threads, from the start on.

    Raises:
        ValueError: prometheus_client is missing, or the port cannot be had.
    """

    def __init__(self, collector: WorkerMetrics, *, port: int, address: str) -> None:
        self.address = address
        require_prometheus()
        from prometheus_client import CollectorRegistry, start_http_server

        if not 0 <= port <= 65_535:
            raise ValueError(f"metrics-port must be 0 to 65535, got {port}.")
        registry = CollectorRegistry()
        self._add_process_figures(registry)
        # Not asked at once, as registering does otherwise: the database may be away.
        registry.register(_Quiet(collector))
        try:
            self._server, self._thread = start_http_server(port, address, registry)
        except OSError as error:
            raise ValueError(
                f"metrics cannot be served at {address}:{port}: {error.strerror or error}. "
                "Choose another --metrics-port or --metrics-address."
            ) from error
        #: The port in use: with port 0 the system has chosen it.
        self.port = int(self._server.server_port)

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @staticmethod
    def _add_process_figures(registry: Any) -> None:
        from prometheus_client import PlatformCollector, ProcessCollector

        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)


def require_prometheus() -> None:
    """Raise ValueError, with the way out, where prometheus_client is not installed."""
    try:
        import prometheus_client  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise ValueError(
            "metrics-port needs prometheus_client: pip install 'django-opskit[metrics]'."
        ) from error


class _Quiet:
    """A collector that has nothing to say about itself before it is asked."""

    def __init__(self, collector: WorkerMetrics) -> None:
        self._collector = collector

    def describe(self) -> "Iterator[Metric]":
        """Name nothing: names are checked when they come."""
        return iter(())

    def collect(self) -> "Iterator[Metric]":
        """Pass on what there is."""
        return self._collector.collect()
