"""Synchronise the tasks with the planning system that owns them."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from django_opskit.commands import FindingsError, LockHeldError, OpsCommand, UsageError
from timetracker.sync.client import TaskClient
from timetracker.sync.conf import get_conf
from timetracker.sync.exceptions import SourceError, SyncBusyError, SyncError
from timetracker.sync.rendering import as_document, as_lines
from timetracker.sync.service import sync_tasks


class Command(OpsCommand):
    """Reads the task list over HTTP, and adds, changes and deactivates tasks accordingly."""

    help = "Synchronise the tasks with the planning system that owns them."
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the published options, and one that lifts the guard."""
        parser.add_argument(
            "--source", metavar="URL", help="The task list (default: SOURCE in TIMETRACKER_SYNC)."
        )
        parser.add_argument(
            "--full", action="store_true", help="Read the whole list; deactivate what it lacks."
        )
        parser.add_argument(
            "--incremental",
            action="store_true",
            help="Read only what changed since the last run (the default when there was one).",
        )
        parser.add_argument(
            "--max-deactivate-percent",
            type=int,
            metavar="N",
            help="Refuse to deactivate a larger share of the active tasks (default: the setting).",
        )

    def handle(
        self,
        *,
        source: str | None = None,
        full: bool = False,
        incremental: bool = False,
        max_deactivate_percent: int | None = None,
        dry_run: bool = False,
        **_options: Any,
    ) -> None:
        """Run one synchronisation."""
        if full and incremental:
            raise UsageError("--full and --incremental exclude each other: give one or none.")
        if max_deactivate_percent is not None and not 0 <= max_deactivate_percent <= 100:
            raise UsageError("--max-deactivate-percent must be 0 to 100.")
        try:
            conf = get_conf()
            client = TaskClient(source or conf.SOURCE, conf)
            with self.progress("Reading tasks", None) as advance:
                report = sync_tasks(
                    client,
                    now=timezone.now(),
                    mode="full" if full else "incremental" if incremental else None,
                    dry_run=dry_run,
                    max_deactivate_percent=max_deactivate_percent,
                    on_page=advance,
                )
        except (ImproperlyConfigured, SourceError) as error:
            raise UsageError(str(error)) from error
        except SyncBusyError as error:
            raise LockHeldError(str(error)) from error
        except SyncError as error:
            raise CommandError(str(error)) from error
        self.counters = report.counters()
        self.result(as_document(report), *as_lines(report))
        if report.rejected:
            raise FindingsError(f"{report.rejected} record(s) were rejected; the others are done.")
