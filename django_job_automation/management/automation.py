"""What the three commands have in common: their options, and what they print."""

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from django_job_automation.exceptions import RunLockedError, UnknownRuleError, UnknownSiteError
from django_job_automation.services.moments import parse_moment
from django_job_automation.services.report import RuleReport, RunReport
from django_job_automation.services.running import run_automation
from django_opskit.commands import ExitStatus, LockHeldError, OpsCommand, UsageError
from django_opskit.identity import user_name

__all__ = ["AutomationCommand"]


class AutomationCommand(OpsCommand):
    """Runs one rule or all of them."""

    changes_data = True
    #: The rules; None for all.
    rules: ClassVar[tuple[str, ...] | None] = None

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--as-of",
            type=moment,
            metavar="MOMENT",
            help="Judge by this moment, such as 2026-11-20T06:00Z, and not by now.",
        )
        parser.add_argument(
            "--site",
            action="append",
            dest="sites",
            metavar="SITE_ID",
            help="Look at this site only; may be given several times.",
        )

    def handle(
        self,
        *args: Any,
        as_of: datetime | None = None,
        sites: list[str] | None = None,
        dry_run: bool = False,
        names: list[str] | None = None,
        **options: Any,
    ) -> None:
        """Run, and say what came of it."""
        name = type(self).__module__.rpartition(".")[2]
        try:
            report = run_automation(
                names or self.rules,
                started_by=f"{name}, {user_name()}",
                as_of=as_of,
                keys=sites,
                dry_run=dry_run,
            )
        except RunLockedError as error:
            raise LockHeldError(str(error)) from error
        except (UnknownRuleError, UnknownSiteError) as error:
            raise UsageError(str(error)) from error
        self._report(report, dry_run=dry_run)

    def lines(self, report: RunReport, *, dry_run: bool) -> list[str]:
        """Return what is printed, as it was published."""
        return [line for one in report.rules for line in _lines(one, dry_run=dry_run)]

    def _report(self, report: RunReport, *, dry_run: bool) -> None:
        self.counters.update({one.rule.name: one.created for one in report.rules})
        for line in self.lines(report, dry_run=dry_run):
            self.say(line)
        for one in report.rules:
            if one.incident:
                self.stderr.write(one.incident)
        if self.json_output:
            self.emit(_document(report, dry_run=dry_run))
        if report.failed:
            names = ", ".join(one.title for one in report.failed)
            raise CommandError(f"Failed: {names}.", returncode=ExitStatus.FAILED)


def moment(text: str) -> datetime:
    """Read a moment in ISO 8601; without an offset it is in the site's time zone."""
    try:
        return parse_moment(text, needs_offset=False)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _lines(one: RuleReport, *, dry_run: bool) -> Iterator[str]:
    title = one.title
    if not one.is_enabled:
        yield f"{title} job creation is disabled"
    elif one.error:
        yield f"{title} job creation failed: {one.error}"
    else:
        yield f"{'Would create' if dry_run else 'Created'} {one.created} {title} jobs"
        for kind, count in Counter(note.kind for note in one.notes).items():
            yield f"Noted {kind} at {count} sites"
        if one.closed:
            yield f"{'Would close' if dry_run else 'Closed'} {one.closed} {title} jobs"


def _document(report: RunReport, *, dry_run: bool) -> dict[str, Any]:
    return {
        "run": report.run,
        "as_of": report.as_of,
        "dry_run": dry_run,
        "created": report.created,
        "rules": [
            {
                **one.document(),
                "sites": [
                    {"site": flag.key, "name": flag.label, "reason": flag.reason}
                    for flag in one.flags
                ],
                "notes": [
                    {"kind": note.kind, "site": note.key, "name": note.label, "reason": note.reason}
                    for note in one.notes
                ],
            }
            for one in report.rules
        ],
    }
