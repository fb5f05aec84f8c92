"""Remove what is old."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.formats import localize

from django_opskit.arguments import days as number_of_days
from django_opskit.commands import FindingsError, UsageError
from django_system_ops.conf import get_conf
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services.cleanup.kinds import select_kinds
from django_system_ops.services.cleanup.reports import CleanupReport, TypeReport
from django_system_ops.services.cleanup.running import Wishes, clean_up
from django_system_ops.services.tenants import resolve_tenants

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``cleanup_old_data``: see its help."""

    help = (
        "Remove rows, and what hangs on them, and temporary files that are older than so many "
        "days: the types in MANAGEMENT_COMMANDS['cleanup']['types'], and the history of commands."
    )
    changes_data = takes_lock = has_tenant = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--days", type=number_of_days, help="How many days are kept; else each type's own."
        )
        parser.add_argument(
            "--type",
            action="append",
            metavar="NAME",
            help="This type alone; several with commas between, or given several times.",
        )
        parser.add_argument(
            "--batch-size", type=int, metavar="ROWS", help="How many rows one transaction removes."
        )
        parser.add_argument("--jobs", type=int, help="How many batches run side by side.")
        parser.add_argument(
            "--max-seconds", type=float, help="Begin no batch after so long; run it again for more."
        )
        parser.add_argument(
            "--archive",
            default="",
            metavar="PATH",
            help="Write the rows there first: into a directory, or a new file *.jsonl.zst.",
        )
        parser.add_argument(
            "--yes", action="store_true", help="Yes, --days=0: everything, however new."
        )

    def perform(
        self,
        *,
        days: float | None = None,
        type: list[str] | str | None = None,  # the name of the option
        tenant: str | None = None,
        database: str = "default",
        batch_size: int | None = None,
        jobs: int | None = None,
        max_seconds: float | None = None,
        archive: str = "",
        yes: bool = False,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Remove it."""
        _refuse(days=days, yes=yes or dry_run, max_seconds=max_seconds)
        conf = get_conf().cleanup
        selection = select_kinds(
            _names(type),
            days=days,
            tenants=resolve_tenants(tenant, using=database),
            using=database,
        )
        with self.progress("Removing what is old", None) as advance:
            report = clean_up(
                selection,
                Wishes(
                    now=timezone.now(),
                    batch_size=_at_least_one("--batch-size", batch_size, conf.batch_size),
                    jobs=_at_least_one("--jobs", jobs, conf.concurrent_jobs),
                    max_seconds=max_seconds,
                    archive=archive,
                    dry_run=dry_run,
                    check=self.check_lock,
                    advance=advance,
                ),
            )
        self.counters = report.counters()
        self.result(self._document(report), *self._lines(report))
        if report.error is not None:
            raise report.error
        if report.has_findings:
            raise FindingsError(_findings(report))

    def _document(self, report: CleanupReport) -> dict[str, Any]:
        return {
            "dry_run": report.dry_run,
            "complete": report.is_complete,
            "types": {one.name: one.document() for one in report.types},
            "skipped": dict(report.skipped),
            "error": str(report.error) if report.error is not None else "",
        }

    def _lines(self, report: CleanupReport) -> list[str]:
        lines = []
        for one in report.types:
            lines.append(_line(one, dry_run=report.dry_run))
            lines += [f"  {text}" for text in _remarks(one, detail=self.verbosity > 1)]
        lines += [f"{name}: skipped, {reason}" for name, reason in report.skipped.items()]
        if not report.is_complete and report.error is None:
            lines.append("Not finished: run it again.")
        return lines


def _refuse(*, days: float | None, yes: bool, max_seconds: float | None) -> None:
    if days == 0 and not yes:
        raise UsageError("--days=0 removes everything, however new: add --yes if that is meant.")
    if max_seconds is not None and max_seconds <= 0:
        raise UsageError(f"--max-seconds must be more than 0, got {max_seconds:g}.")


def _at_least_one(option: str, value: int | None, default: int) -> int:
    if value is not None and value < 1:
        raise UsageError(f"{option} must be 1 or more, got {value}.")
    return default if value is None else value


def _names(given: list[str] | str | None) -> list[str]:
    texts = [given] if isinstance(given, str) else given or []
    names = [name.strip() for text in texts for name in text.split(",")]
    if not all(names):
        raise UsageError("--type: a name is empty.")
    return names


def _line(one: TypeReport, *, dry_run: bool) -> str:
    tally = one.tally
    parts = [f"{count:,} {label}" for label, count in sorted(tally.rows.items())]
    for count, what in ((tally.files, "files"), (tally.directories, "directories")):
        if count:
            parts.append(f"{count:,} {what}")
    verb = "would go" if dry_run else "removed"
    return (
        f"{one.name}: {verb}: {', '.join(parts) or 'nothing'} "
        f"(older than {localize(one.cutoff)}; {one.seconds:.1f} s, jobs: {one.jobs})"
    )


def _remarks(one: TypeReport, *, detail: bool) -> list[str]:
    tally = one.tally
    found = []
    if one.jobs_reason:
        found.append(f"one job: {one.jobs_reason}")
    found += [f"set to NULL: {count:,} {name}" for name, count in sorted(tally.nulled.items())]
    if tally.kept:
        keepers = ", ".join(
            f"{name} ({count:,})" for name, count in sorted(tally.protected.items())
        )
        found.append(f"{tally.kept:,} stay, protected by {keepers}")
    if tally.failures:
        found.append(f"{tally.failures:,} could not be removed, such as {tally.failed[0]}")
    if one.archive is not None:
        found.append(f"{tally.archived:,} rows archived in {one.archive}")
    if one.left:
        found.append(f"{one.left:,} old rows are left")
    if detail:
        how = f"Django's collector, since {one.collector}" if one.collector else "children first"
        found.append(f"{one.place}: {how}; slowest statement {tally.longest_seconds:.3f} s")
        found += tally.failed
    return found


def _findings(report: CleanupReport) -> str:
    kept = sum(one.tally.kept for one in report.types)
    failures = sum(one.tally.failures for one in report.types)
    said = [
        text
        for count, text in (
            (kept, f"{kept:,} rows stay because others protect them"),
            (failures, f"{failures:,} files or directories could not be removed"),
        )
        if count
    ]
    return f"{' and '.join(said)}."
