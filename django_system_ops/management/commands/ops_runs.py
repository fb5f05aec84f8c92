"""Show the history of commands."""

from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.utils import timezone

from django_opskit.commands import UsageError
from django_system_ops.conf import get_conf
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.models import CommandRun
from django_system_ops.services import history

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``ops_runs``: see its help."""

    help = (
        "Show the last runs of commands, the newest first; with --run one of them with its output."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("command_name", nargs="?", metavar="command", help="Only of this one.")
        parser.add_argument("--limit", type=int, default=20, help="How many (default: 20).")
        parser.add_argument(
            "--failed", action="store_true", help="Only those that failed or were lost."
        )
        parser.add_argument("--run", metavar="ID", help="One run, with its output and traceback.")

    def perform(
        self,
        *,
        command_name: str | None = None,
        limit: int = 20,
        failed: bool = False,
        run: str | None = None,
        **options: Any,
    ) -> None:
        """Show them."""
        using = get_conf().history.database
        history.tidy(using=using)
        rows = CommandRun.objects.using(using)
        if run is not None:
            self._show(rows, run)
            return
        if limit < 1:
            raise UsageError(f"--limit {limit}: it has to be 1 or more.")
        if command_name:
            rows = rows.filter(name=command_name)
        if failed:
            rows = rows.filter(status__in=(CommandRun.Status.FAILED, CommandRun.Status.LOST))
        found = list(rows.order_by("-id")[:limit])
        self.result(
            {"runs": [_brief(one) for one in found]},
            *(_line(one) for one in found),
            *([] if found else ["There are no such runs."]),
        )

    def _show(self, rows: Any, run: str) -> None:
        one = rows.get(pk=_found(rows, run))
        state = history.live_state(one)
        self.result(
            {**_brief(one), **state, "arguments": one.arguments, "traceback": one.traceback},
            _line(one),
            *(f"{name}={value}" for name, value in one.options),
            *state["output"].splitlines(),
            *one.traceback.splitlines(),
        )


def _found(rows: Any, run: str) -> int:
    """Return the key of a run; by the beginning of its id too, since nobody types all of it."""
    with suppress(ValueError):
        if (pk := rows.filter(run_id=UUID(run)).values_list("pk", flat=True).first()) is not None:
            return int(pk)
    ids = rows.order_by("-id").values_list("pk", "run_id").iterator()
    found = list(islice((pk for pk, one in ids if str(one).startswith(run)), 2))
    if len(found) != 1:
        number = "several" if found else "no"
        raise UsageError(f"--run {run!r}: {number} runs begin with that.")
    return int(found[0])


def _brief(run: CommandRun) -> dict[str, Any]:
    return {
        "run": run.run_id,
        "command": run.name,
        "status": run.status,
        "source": run.source,
        "schedule": run.schedule,
        "started_by": run.started_by,
        "host": run.host,
        "pid": run.pid,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_seconds": run.duration_seconds,
        "exit_status": run.exit_status,
        "error": run.error,
        "counters": run.counters,
        "is_dry_run": run.is_dry_run,
    }


def _line(run: CommandRun) -> str:
    moment = run.started_at or run.queued_at
    began = f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else "-"
    took = "" if run.duration_seconds is None else f"{run.duration_seconds:9.1f} s"
    what = f"{run.name} (dry run)" if run.is_dry_run else run.name
    head = f"{str(run.run_id)[:8]}  {began}  {run.status:<9} {took:>11}  {what}"
    return f"{head}: {run.error}" if run.error else head
