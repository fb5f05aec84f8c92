"""Copy or move a tenant's data to another tenant."""

from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import FindingsError, UsageError
from django_system_ops.conf import get_conf
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services.tenant_moves.reports import ModelReport, MoveReport
from django_system_ops.services.tenant_moves.running import (
    CONFLICTS,
    MODES,
    Wishes,
    forget,
    migrate,
)

__all__ = ["Command"]

_LARGEST_BATCH = 5000


class Command(SystemOpsCommand):
    """``migrate_tenant_data``: see its help."""

    help = (
        "Copy or move rows of one tenant to another, with all that hangs on them and all that they "
        "need: the types in MANAGEMENT_COMMANDS['data']['types']."
    )
    changes_data = takes_lock = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        # Not required=True: argparse would not let the base say it in JSON.
        parser.add_argument("--from", dest="source", metavar="TENANT", help="Whose data it is.")
        parser.add_argument("--to", dest="target", metavar="TENANT", help="Who gets it.")
        parser.add_argument(
            "--type",
            action="append",
            metavar="NAME",
            help="This type alone; several with commas between, given several times, or all.",
        )
        parser.add_argument(
            "--mode",
            choices=MODES,
            default="copy",
            help="New rows beside the old ones, or the rows themselves (default: %(default)s).",
        )
        parser.add_argument(
            "--on-conflict",
            choices=CONFLICTS,
            default="error",
            help="What becomes of a row whose place is taken (default: %(default)s): nothing is "
            "done; the other tenant's row stays as it is and is used; the row gets a number; the "
            "other tenant's row becomes like it.",
        )
        parser.add_argument(
            "--batch-size", type=int, metavar="ROWS", help="How many rows one transaction copies."
        )
        parser.add_argument(
            "--verify-only", action="store_true", help="Compare what was copied, and write nothing."
        )
        parser.add_argument(
            "--forget",
            action="store_true",
            help="Forget which rows were copied, and do no more: the next copy makes new ones.",
        )

    def lock_keys(self, **options: Any) -> list[str]:
        """Return the locks of both tenants: no other run has to do with either of them."""
        name = "migrate_tenant_data"
        pair = (options.get("source"), options.get("target"))
        return [f"{name}:{one.strip()}" for one in pair if one] or [name]

    def perform(
        self,
        *,
        source: str | None = None,
        target: str | None = None,
        type: list[str] | str | None = None,  # the name of the option
        mode: str = "copy",
        on_conflict: str = "error",
        batch_size: int | None = None,
        verify_only: bool = False,
        dry_run: bool = False,
        database: str = "default",
        **options: Any,
    ) -> None:
        """Do it."""
        if not source or not target:
            raise UsageError("Say whose data goes to whom: --from TENANT --to TENANT.")
        size = get_conf().tenant_moves.batch_size if batch_size is None else batch_size
        if not 1 <= size <= _LARGEST_BATCH:
            raise UsageError(f"--batch-size must be 1 to {_LARGEST_BATCH}, got {size}.")
        if options.get("forget"):
            self._forget(source, target, database=database, dry_run=dry_run)
            return
        with self.progress("Moving data", None) as advance:
            report = migrate(
                Wishes(
                    source=source,
                    target=target,
                    types=_names(type),
                    mode=mode,
                    on_conflict=on_conflict,
                    batch_size=size,
                    dry_run=dry_run,
                    verify_only=verify_only,
                    using=database,
                    check=self.check_lock,
                    advance=advance,
                )
            )
        self.counters = report.counters()
        self.result(report.document(), *_lines(report))
        if report.finding_count:
            ending = "nothing was moved" if mode == "move" and not verify_only else "see above"
            raise FindingsError(f"{report.finding_count:,} findings: {ending}.")

    def _forget(self, source: str, target: str, *, database: str, dry_run: bool) -> None:
        if not dry_run:
            forget(source, target, using=database)
        self.result(
            {"forgotten": not dry_run},
            f"{'Would forget' if dry_run else 'Forgot'} what was copied from {source} to {target}.",
        )


def _names(given: list[str] | str | None) -> list[str]:
    texts = [given] if isinstance(given, str) else given or []
    names = [name.strip() for text in texts for name in text.split(",")]
    if not all(names):
        raise UsageError("--type: a name is empty.")
    return names


def _lines(report: MoveReport) -> list[str]:
    lines = []
    for label, one in sorted(report.models.items()):
        if one.rows:
            lines.append(f"{label}: {', '.join(_parts(one, report))}")
            lines += [
                f"  set to NULL in {count:,} copies: {name}, which does not go along"
                for name, count in sorted(one.unlinked.items())
            ]
    if not lines:
        lines.append(f"{report.source} has nothing of it: nothing to do.")
    lines += [f"FOUND: {text}" for text in report.findings]
    if (more := report.finding_count - len(report.findings)) > 0:
        lines.append(f"and {more:,} more")
    if report.dry_run:
        lines.append("Nothing was changed: this was a dry run.")
    return lines


def _parts(one: ModelReport, report: MoveReport) -> list[str]:
    parts = [f"{one.rows:,} rows"]
    if report.verify_only:
        return [*parts, "compared"]
    for name, what in (
        ("copied", "copied"),
        ("moved", "moved"),
        ("adopted", "already there"),
        ("updated", "updated"),
        ("skipped", "copied before"),
        ("renamed", "renamed"),
        ("files", "files"),
    ):
        if count := getattr(one, name):
            parts.append(f"{count:,} {what}")
    return parts
