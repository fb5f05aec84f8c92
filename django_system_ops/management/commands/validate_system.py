"""Whether the system is what it should be."""

import os
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from django_opskit.commands import ExitStatus, FindingsError
from django_system_ops.conf import get_conf
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.validation_lines import (
    check_document,
    check_lines,
    fix_document,
    fix_line,
)
from django_system_ops.services.validating import (
    CheckReport,
    Fixed,
    Level,
    Scope,
    all_checks,
    chosen_checks,
    fix_findings,
    named_module,
    validate,
)

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``validate_system``: see its help."""

    help = (
        "Look whether the system is what it should be: settings, migrations, tables, keys, "
        "constraints, files. Each line says how much was looked at. Exit status 3: something is "
        "wrong; 1: something could not be looked at."
    )
    changes_data = True
    takes_lock = True
    has_database = True
    # What they find is what this command is for: it must not keep it from running.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--module", metavar="LABEL", help="This app alone, or a model as app_label.Model."
        )
        parser.add_argument(
            "--check",
            action="append",
            default=[],
            metavar="NAME",
            help="This check alone; may be given several times. See --list.",
        )
        parser.add_argument("--list", action="store_true", help="List the checks, and end.")
        parser.add_argument(
            "--sample",
            type=int,
            metavar="N",
            help="Ask for N files of each field alone, and name up to N rows of each finding.",
        )
        parser.add_argument(
            "--fix-issues",
            action="store_true",
            help="Mend what can be mended without harm; each row is kept in a file as it was.",
        )

    def perform(self, **options: Any) -> None:
        """Look, mend if that is wanted, and say what was found."""
        if options["list"]:
            self._list()
            return
        checks, scope = chosen_checks(options["check"] or []), self._scope(options)
        reports, fixes = [], []
        now = timezone.now()
        for report in validate(checks, scope, between=self.check_lock):
            reports.append(report)
            self._say(*check_lines(report))
            if options["fix_issues"]:
                for fixed in fix_findings(
                    report,
                    using=scope.using,
                    folder=get_conf().state_path / "before-images",
                    run=f"{now:%Y%m%dT%H%M%S%fZ}-{os.getpid()}",
                    now=now,
                    dry_run=options["dry_run"],
                    between=self.check_lock,
                ):
                    fixes.append(fixed)
                    self._say(f"      {fix_line(fixed, dry_run=options['dry_run'])}")
        self._end(reports, fixes, dry_run=options["dry_run"])

    def _scope(self, options: dict[str, Any]) -> Scope:
        sample = options["sample"]
        if sample is not None and sample < 1:
            raise WrongUsageError(f"--sample {sample}: it has to be 1 or more.")
        label, model = named_module(options["module"]) if options["module"] else (None, None)
        examples = sample or get_conf().validation.examples
        return Scope(options["database"], label, model, examples, sample)

    def _list(self) -> None:
        found = all_checks().values()
        self.result(
            {
                "checks": [
                    {"check": one.name, "help": one.help, "is_default": one.is_default}
                    for one in found
                ]
            },
            *(
                f"{one.name:15} {one.help}" + ("" if one.is_default else " Only with --check.")
                for one in found
            ),
        )

    def _say(self, *lines: str) -> None:
        for line in lines:
            self.say(line)

    def _end(self, reports: list[CheckReport], fixes: list[Fixed], *, dry_run: bool) -> None:
        """Write the document, count, and raise what the exit status is to be."""
        found = sum(one.counts[Level.FINDING] for one in reports)
        fixed = 0 if dry_run else sum(one.fixed for one in fixes)
        errors = sum(len(one.errors) for one in reports) + sum(bool(one.error) for one in fixes)
        self.counters = {
            "checks": len(reports),
            "findings": found,
            "fixed": fixed,
            "errors": errors,
        }
        self.result(
            {
                "checks": [check_document(one) for one in reports],
                "fixes": [fix_document(one) for one in fixes],
                "dry_run": dry_run,
                **{name: self.counters[name] for name in ("findings", "fixed", "errors")},
            }
        )
        if errors:
            raise CommandError(
                f"What could not be looked at or mended: {errors}.", returncode=ExitStatus.FAILED
            )
        # Two fixes may have been about the same row: what counts is what is wrong now.
        for_people = sum(
            what.count
            for one in reports
            for what in one.findings
            if what.level == Level.FINDING and (what.fix is None or not fixes)
        )
        left = for_people + sum(one.left for one in fixes)
        if left:
            raise FindingsError(f"{found:,} wrong, {fixed:,} fixed.")
