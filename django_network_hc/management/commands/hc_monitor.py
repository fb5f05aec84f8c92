"""How the networks are doing, and old files of sessions."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from django_network_hc.management.base import NetworkCommand, table
from django_network_hc.models import HealthCheckSession, Network
from django_network_hc.services.monitoring import (
    NetworkStats,
    cleanup,
    failed_sessions,
    overview,
    stats,
)
from django_network_hc.services.networks import find_networks
from django_opskit.arguments import days as days_argument
from django_opskit.commands import ExitStatus

__all__ = ["Command"]

_ACTIONS = ("status", "stats", "failed", "cleanup")
_DAYS = 30


class Command(NetworkCommand):
    """``hc_monitor``: see its help."""

    help = (
        "Show how everything is (status), count the sessions of the last days (stats), list those "
        "that failed (failed), or remove the files of old ones (cleanup). With status, exit "
        "status 1 when something has to be done."
    )
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--action", choices=_ACTIONS, default="status", help="What to do; status by default."
        )
        self.add_network(parser)
        parser.add_argument(
            "--days",
            type=days_argument,
            metavar="DAYS",
            help=f"With stats and cleanup: of how many days; {_DAYS} by default. With failed: "
            "of all days by default.",
        )

    def handle(
        self,
        *args: Any,
        action: str = "status",
        network: str | None = None,
        days: float | None = None,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Do it."""
        with self.speaking():
            networks = find_networks(network)
            if action == "status":
                self._status(networks)
            elif action == "stats":
                self._stats(networks, _DAYS if days is None else days)
            elif action == "failed":
                self._failed(networks, days)
            else:
                self._cleanup(networks, _DAYS if days is None else days, dry_run=dry_run)

    def _status(self, networks: list[Network]) -> None:
        seen = overview(networks)
        sizes = table(
            ("directory", "MB"),
            [(name, round(size / 1e6, 1)) for name, size in seen.sizes.items()],
        )
        work = [
            f"{one.get_status_display()}: {one.network}, session {one}, "
            f"{one.progress_percentage} % {one.current_step}"
            for one in seen.at_work
        ]
        self.counters = {"networks": seen.networks, "ready": seen.ready}
        self.result(
            {
                "script_dir": seen.root,
                "networks": seen.networks,
                "ready": seen.ready,
                "recent_sessions": seen.recent,
                "recent_completed": seen.recent_completed,
                "at_work": [str(one) for one in seen.at_work],
                "problems": seen.problems,
                "bytes": seen.sizes,
            },
            f"Script directory: {seen.root}",
            f"Networks: {seen.networks} total, {seen.ready} ready",
            f"Sessions of the last 7 days: {seen.recent}, {seen.recent_completed} completed",
            *work,
            "",
            *sizes,
        )
        if seen.problems:
            raise CommandError("\n".join(seen.problems), returncode=ExitStatus.FAILED)

    def _stats(self, networks: list[Network], days: float) -> None:
        found = stats(networks, days=days)
        ended = found.completed + found.failed
        rate = f"{100 * found.completed / ended:.0f} %" if ended else "-"
        rows = [
            (
                str(one.network),
                one.total,
                one.completed,
                one.failed,
                "-" if one.success_percent is None else f"{one.success_percent:.0f} %",
                _moment(one.last_completed_at),
            )
            for one in found.networks
        ]
        head = ("network", "sessions", "completed", "failed", "success", "last completed")
        self.counters = {"total": found.total, "failed": found.failed}
        self.result(
            {
                "since": found.since,
                "total": found.total,
                "completed": found.completed,
                "failed": found.failed,
                "cancelled": found.cancelled,
                "in_progress": found.in_progress,
                "networks": [_document(one) for one in found.networks],
            },
            f"Sessions since {_moment(found.since)} ({days:g} days): {found.total}",
            f"Completed: {found.completed} ({rate})",
            f"Failed: {found.failed}",
            f"Cancelled: {found.cancelled}",
            f"In progress: {found.in_progress}",
            "",
            *table(head, rows),
        )

    def _failed(self, networks: list[Network], days: float | None) -> None:
        found = failed_sessions(networks, days=days)
        lines = []
        for one in found:
            lines += [
                f"{one.network}, session {one}",
                f"  began {_moment(one.created_at)}, ended {_moment(one.completed_at)}, "
                f"started by {one.initiated_by or '-'}",
                f"  at {one.progress_percentage} %: {one.current_step or '-'}",
                f"  {one.error_messages}",
                f"  again: hc_run --resume {str(one)[:8]}",
            ]
        self.counters = {"failed": len(found)}
        self.result(
            {"sessions": [_failure(one) for one in found]},
            *(lines or ["No session has failed."]),
        )

    def _cleanup(self, networks: list[Network], days: float, *, dry_run: bool) -> None:
        done = cleanup(networks, days=days, dry_run=dry_run)
        verb = "Would remove" if dry_run else "Removed"
        detail = dry_run or self.verbosity > 1
        self.counters = {"files": len(done.files), "bytes": done.size}
        self.result(
            {
                "before": done.before,
                "files": [path for _session, path in done.files],
                "bytes": done.size,
                "kept": done.kept,
                "dry_run": dry_run,
            },
            *(f"{verb} {path}" for _session, path in done.files if detail),
            f"{verb} {len(done.files)} files of sessions that ended before "
            f"{_moment(done.before)}: {done.size / 1e6:.1f} MB",
            f"Kept {done.kept} that are the last of their network; all rows stay.",
        )


def _moment(at: datetime | None) -> str:
    return "-" if at is None else f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def _document(one: NetworkStats) -> dict[str, Any]:
    return {
        "network": str(one.network),
        "total": one.total,
        "completed": one.completed,
        "failed": one.failed,
        "success_percent": one.success_percent,
        "last_completed": one.last_completed_at,
    }


def _failure(one: HealthCheckSession) -> dict[str, Any]:
    return {
        "session": str(one),
        "network": str(one.network),
        "created_at": one.created_at,
        "completed_at": one.completed_at,
        "initiated_by": one.initiated_by,
        "step": one.current_step,
        "error": one.error_messages,
    }
