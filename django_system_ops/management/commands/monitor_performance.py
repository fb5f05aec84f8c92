"""Measure how the site does for a while."""

import argparse
import logging
import math
import os
import socket
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import ExitStatus, FindingsError
from django_opskit.stopping import on_stop_signals
from django_system_ops.conf import get_conf
from django_system_ops.engine.alerting import Change
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.leaving import leaving_what_hangs
from django_system_ops.management.performance_output import (
    figure,
    sample_document,
    summary_document,
    table,
)
from django_system_ops.services.notifying import notify
from django_system_ops.services.performance import (
    PerformanceMonitor,
    PerformanceReport,
    Sample,
    sources,
    unfinished,
)

__all__ = ["Command"]

logger = logging.getLogger(__name__)

_DEFAULT_DURATION_SECONDS = 60.0


class Command(SystemOpsCommand):
    """``monitor_performance``: see its help."""

    has_database = True
    help = (
        "Measure the machine (or what its container may use of it), a database, and where they "
        "are named a process and a URL; raise alerts, and say at the end what the bottleneck is. "
        "Exit status: 0, or 3 when there was an alert."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--duration",
            type=_number(0, 366 * 86_400),
            default=_DEFAULT_DURATION_SECONDS,
            metavar="SECONDS",
            help="For how long; 0 until it is interrupted (default: %(default)g).",
        )
        parser.add_argument(
            "--alert-threshold",
            type=_number(0, 100, above=True),
            metavar="PERCENT",
            help="From how much of its limit on a metric is too high (by default 90).",
        )
        parser.add_argument(
            "--interval",
            type=_number(0.05, 3600),
            metavar="SECONDS",
            help="How often a sample is taken (by default every second).",
        )
        parser.add_argument(
            "--consecutive",
            type=int,
            metavar="N",
            help="How many samples in a row make an alert, or end one (by default 3).",
        )
        parser.add_argument("--url", help="An address whose response time is measured.")
        parser.add_argument(
            "--target-pid", type=int, metavar="PID", help="A process that is measured by itself."
        )
        parser.add_argument(
            "--json-lines",
            action="store_true",
            help="Print one line of JSON for each sample, and one for the whole; as --json does.",
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run; ``--json-lines`` is ``--json`` here, since a loop has no one document."""
        options["json"] = bool(options.get("json") or options.get("json_lines"))
        return super().execute(*args, **options)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program, which ends although what it measures may hang."""
        with leaving_what_hangs(unfinished):
            super().run_from_argv(argv)

    def perform(
        self,
        *args: Any,
        database: str = "default",
        duration: float = _DEFAULT_DURATION_SECONDS,
        alert_threshold: float | None = None,
        interval: float | None = None,
        consecutive: int | None = None,
        url: str | None = None,
        target_pid: int | None = None,
        **options: Any,
    ) -> None:
        """Measure until the time is over or a signal comes."""
        conf = get_conf().performance
        consecutive = conf.consecutive if consecutive is None else consecutive
        if consecutive < 1:
            raise WrongUsageError(f"--consecutive has to be 1 or more, got {consecutive}.")
        measured = sources(
            conf, database=database, url=conf.url if url is None else url, target_pid=target_pid
        )
        monitor = PerformanceMonitor(
            measured,
            duration_seconds=duration,
            interval_seconds=conf.interval_seconds if interval is None else interval,
            threshold_percent=conf.alert_threshold if alert_threshold is None else alert_threshold,
            consecutive=consecutive,
            timeout_seconds=conf.probe_timeout_seconds,
            on_sample=self._show_sample,
            on_alert=_pass_on,
        )
        names = ", ".join(one.name for one in measured)
        span = "until interrupted" if not duration else f"for {duration:g} s"
        self.say(f"Measuring {names} {span}.")
        with on_stop_signals(monitor.stop, lambda: os._exit(ExitStatus.FAILED)):
            report = monitor.run()
        self._show_report(report)

    def _show_sample(self, sample: Sample) -> None:
        if self.json_output:
            self.emit(sample_document(sample))
            return
        moment = f"{sample.at:%H:%M:%S}"
        if self.verbosity > 1:
            figures = [figure(one) for one in sample.measurements]
            figures += [f"{name}: {why}" for name, why in sample.failures.items()]
            self.say(f"{moment}  {'  '.join(figures)}")
        for _name, change, sentence in sample.changes:
            is_alert = change is Change.ALERT
            style = self.style.ERROR if is_alert else self.style.SUCCESS
            self.say(f"{moment}  {'ALERT' if is_alert else 'recovered'}  {sentence}", style)

    def _show_report(self, report: PerformanceReport) -> None:
        self.counters = {"samples": report.samples, "alerts": sum(report.alerts.values())}
        self.counters |= {"skipped_ticks": report.skipped_ticks}
        self.result(summary_document(report), *table(report.metrics))
        skipped = f", {report.skipped_ticks} skipped" if report.skipped_ticks else ""
        self.say(f"{report.samples} samples{skipped} in {report.seconds:.0f} s. {report.verdict}")
        if report.has_alerted:
            raised = ", ".join(f"{name} ({number})" for name, number in report.alerts.items())
            raise FindingsError(f"There were alerts: {raised}.")


def _pass_on(subject: str, text: str) -> None:
    """Log an alert, and tell it through the channels that the site has set up."""
    host = socket.gethostname()
    logger.warning("%s on %s. %s", subject, host, text)
    notify(f"{subject} on {host}", text)


def _number(low: float, high: float, *, above: bool = False) -> Callable[[str], float]:
    """Return a type of arguments: a number in this range, without its lower end if ``above``."""

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not low <= found <= high or (above and found == low):
            span = f"above {low:g} and up to {high:g}" if above else f"from {low:g} to {high:g}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {span}")
        return found

    return read
