"""Ask the services that the site stands on."""

import argparse
import math
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_opskit.commands import ExitStatus
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.leaving import leaving_what_hangs
from django_system_ops.services.health import (
    CheckResult,
    HealthReport,
    State,
    check_health,
    unfinished,
)

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``ops_health_check``: see its help."""

    help = (
        "Ask the services that the site stands on: databases, caches, Redis, Celery, the storage "
        "of uploads, queues, APIs of others, disks, and checks of the site's own. All are asked "
        "at once, each has its deadline. Exit status: 0 when all are well, 1 when one is not."
    )
    # A container asks every few seconds: it is told about the services, not about the settings.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--service",
            action="append",
            metavar="NAME",
            help="This kind of service only, such as database, or this one: database:default; "
            "several with commas between, or the option several times.",
        )
        parser.add_argument("--verbose", action="store_true", help="Show more of each service.")
        parser.add_argument(
            "--timeout",
            type=_seconds,
            metavar="SECONDS",
            help="How long each service may take; what the settings say by default.",
        )
        parser.add_argument(
            "--fail-on",
            choices=(State.WARN.value, State.FAIL.value),
            default=State.FAIL.value,
            help="From what on the exit status is 1 (default: %(default)s).",
        )
        # Django adds it only to commands that have checks to skip; who writes it means well.
        parser.add_argument("--skip-checks", action="store_true", help=argparse.SUPPRESS)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program, which ends although a service may hang."""
        with leaving_what_hangs(unfinished):
            super().run_from_argv(argv)

    def perform(
        self,
        *args: Any,
        service: list[str] | str | None = None,
        verbose: bool = False,
        timeout: float | None = None,
        fail_on: str = "fail",
        **options: Any,
    ) -> None:
        """Ask them."""
        given = [service] if isinstance(service, str) else service or []
        names = [name.strip() for one in given for name in one.split(",") if name.strip()]
        report = check_health(names, timeout_seconds=timeout)
        self.counters = report.counts()
        is_healthy = report.is_healthy(fail_on=State(fail_on))
        if self.json_output:
            self.emit(_document(report, is_healthy=is_healthy))
        else:
            self._show(report, verbose=verbose)
        if not is_healthy:
            raise CommandError(_complaint(report, State(fail_on)), returncode=ExitStatus.FAILED)

    def _show(self, report: HealthReport, *, verbose: bool) -> None:
        width = max(len(result.name) for result in report.results)
        styles = {State.OK: self.style.SUCCESS, State.WARN: self.style.WARNING}
        styles |= {State.FAIL: self.style.ERROR, State.SKIP: self.style.NOTICE}
        for one in report.results:
            ms = "" if one.state is State.SKIP else f"{one.latency_ms:.1f} ms"
            head = f"{one.state:<4}  {one.name:<{width}}  {ms:>11}  "
            self.say(f"{head}{one.finding.sentence}", styles[one.state])
            if verbose:
                for line in one.finding.details:
                    self.say(f"{' ' * len(head)}{line}")


def _document(report: HealthReport, *, is_healthy: bool) -> dict[str, Any]:
    return {
        "healthy": is_healthy,
        "state": report.state,
        "counts": report.counts(),
        "services": [
            {
                "service": one.service,
                "name": one.name,
                "state": one.state,
                "latency_ms": round(one.latency_ms, 3),
                "sentence": one.finding.sentence,
                "details": list(one.finding.details),
            }
            for one in report.results
        ],
    }


def _complaint(report: HealthReport, fail_on: State) -> str:
    bad: list[CheckResult] = [
        one for one in report.results if one.state.severity >= fail_on.severity
    ]
    if not bad:
        return "Nothing was asked: all that was to be is skipped."
    return f"Not healthy: {', '.join(one.name for one in bad)}."


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 600")
    return found
