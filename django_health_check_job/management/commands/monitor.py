"""Run the health checks: for ever, or once."""

import os
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_health_check_job.conf import get_conf, get_published
from django_health_check_job.engine.outcome import State
from django_health_check_job.engine.round import Round
from django_health_check_job.management.planning import interval, planned
from django_health_check_job.management.rendering import document, line, paint
from django_health_check_job.services.monitor import Monitor
from django_health_check_job.services.single_round import run_single_round
from django_opskit.commands import ExitStatus, OpsCommand
from django_opskit.stopping import on_stop_signals

__all__ = ["Command"]


class Command(OpsCommand):
    """``monitor``: see its help."""

    help = (
        "Run the health checks at their intervals until interrupted, and store and send what they "
        "say. Exit status: 0 when the last round was healthy, 1 when it was not, 2 for wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--once", action="store_true", help="Run one round and end.")
        parser.add_argument(
            "--check",
            action="append",
            default=[],
            metavar="NAME",
            help="Run this check alone, by its name or slug; may be given several times.",
        )
        parser.add_argument(
            "--interval",
            type=interval,
            metavar="SECONDS",
            help="Run every check at this interval, whatever the settings say.",
        )
        parser.add_argument(
            "--exit-on-failure",
            action="store_true",
            help="End with status 1 after the first round that is not healthy.",
        )

    def handle(
        self,
        *args: Any,
        once: bool = False,
        check: list[str] | None = None,
        interval: float | None = None,
        exit_on_failure: bool = False,
        **options: Any,
    ) -> None:
        """Run until a signal comes, or one round."""
        specs = planned(check or [], interval=interval, say=self.stderr.write)
        if once:
            self._run_once(specs)
            return

        def show(finished: Round) -> None:
            self._show(finished)
            if exit_on_failure and not finished.is_healthy:
                monitor.stop()

        monitor = Monitor(
            specs, get_conf(), on_round=show, on_role=self._show_role, is_whole=not check
        )
        with on_stop_signals(monitor.stop, lambda: os._exit(ExitStatus.FAILED)):
            healthy = monitor.run()
        if not healthy:
            raise CommandError("The last round was not healthy.", returncode=ExitStatus.FAILED)

    def _run_once(self, specs: Any) -> None:
        published = get_published()
        outcome = run_single_round(
            specs, get_conf(), stale_after_seconds=3 * published.HEALTH_CHECK_INTERVAL + 60
        )
        self._show(outcome.round)
        if outcome.note:
            self.stderr.write(outcome.note)
        if outcome.unsent:
            self.stderr.write("The monitoring server has not taken it: it is kept.")
        if not outcome.round.is_healthy:
            failing = [one.name for one in outcome.round.outcomes if not one.is_healthy]
            raise CommandError(f"Not healthy: {', '.join(failing)}.", returncode=ExitStatus.FAILED)

    def _show(self, finished: Round) -> None:
        for one in finished.outcomes:
            key = {True: "ok", False: "failed"}[one.state.works]
            self.counters[key] = self.counters.get(key, 0) + 1
        if self.json_output:
            self.emit(document(finished))
            return
        for one in finished.outcomes:
            self.say(line(one, paint(self.style, State(one.state))))

    def _show_role(self, role: str) -> None:
        if role == "standby":
            self.say("Another monitor leads: standing by.")
        elif role == "blind":
            self.stderr.write("The database does not answer: results are kept until it does.")
