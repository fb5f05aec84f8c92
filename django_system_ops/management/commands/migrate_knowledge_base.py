"""Take a knowledge base from version to version."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from django_opskit.commands import FindingsError, UsageError
from django_system_ops.conf import get_conf
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.knowledge_output import (
    migration_document,
    migration_lines,
    rollback_document,
    rollback_lines,
    validation_document,
    validation_lines,
)
from django_system_ops.services.knowledge.inspecting import inspect
from django_system_ops.services.knowledge.migrating import Wishes, look, migrate, target_of
from django_system_ops.services.knowledge.registry import load_registry
from django_system_ops.services.knowledge.table import Table
from django_system_ops.services.knowledge.undoing import roll_back
from django_system_ops.services.tenants import resolve_tenants

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``migrate_knowledge_base``: see its help."""

    help = (
        "Take the rows of a knowledge base from version to version, by the steps in "
        "MANAGEMENT_COMMANDS['knowledge_base'], a batch at a time; each row is kept in a file as "
        "it was. Exit status 3: rows are left, or are not as they should be."
    )
    changes_data = takes_lock = has_tenant = has_database = True

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Let ``--version`` be ours: Django has one that prints its own."""
        kwargs["conflict_handler"] = "resolve"
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--version",
            dest="target_version",
            metavar="VERSION",
            help="The version that the rows are to have; by default the newest that they can get "
            "to. With --validate-only: look at the rows of this version alone.",
        )
        parser.add_argument(
            "--validate-only",
            action="store_true",
            help="Ask the validators about the rows, each about those of its version; change "
            "nothing.",
        )
        parser.add_argument("--rollback", action="store_true", help="Take the last migration back.")
        parser.add_argument(
            "--batch-size", type=int, metavar="ROWS", help="How many rows one transaction changes."
        )

    def perform(
        self,
        *,
        target_version: object = None,
        validate_only: bool = False,
        rollback: bool = False,
        batch_size: int | None = None,
        tenant: str | None = None,
        database: str = "default",
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Do one of the three."""
        version = None if target_version is None else str(target_version)
        _refuse(version, validate_only=validate_only, rollback=rollback, batch_size=batch_size)
        conf = get_conf().knowledge_base
        registry = load_registry()
        table = Table(registry, resolve_tenants(tenant, using=database), database)
        with self.progress("Going through the rows", None) as advance:
            wishes = Wishes(
                now=timezone.now(),
                batch_size=batch_size or conf.batch_size,
                examples=conf.examples,
                dry_run=dry_run,
                check=self.check_lock,
                advance=advance,
            )
            if rollback:
                ending = self._roll_back(table, wishes)
            elif validate_only:
                ending = self._validate(table, version, wishes)
            else:
                ending = self._migrate(table, version, wishes)
        if ending is not None:
            raise ending

    def _migrate(self, table: Table, version: str | None, wishes: Wishes) -> Exception | None:
        survey = look(table, wishes)
        report = migrate(table, target_of(table, version, survey), survey, wishes)
        stuck = sum(one.count for one in report.stuck)
        self.counters = {"rows": report.rows, "left": stuck}
        self.result(
            migration_document(report, dry_run=wishes.dry_run),
            *migration_lines(report, table.registry.kind.name, dry_run=wishes.dry_run),
        )
        if report.error is not None:
            return report.error
        if stuck:
            known = table.registry.graph.described()
            return FindingsError(f"{stuck:,} rows are not at {report.target}. Known: {known}.")
        return None

    def _validate(self, table: Table, version: str | None, wishes: Wishes) -> Exception | None:
        named = None if version is None else table.registry.named(version)
        report = inspect(table, named, table.survey(wishes.examples), wishes)
        bad = sum(one.count for one in report.bad)
        self.counters = {"rows": sum(report.checked.values()), "findings": bad}
        self.result(
            validation_document(report), *validation_lines(report, table.registry.kind.name)
        )
        return FindingsError(f"{bad:,} rows are not as they should be.") if bad else None

    def _roll_back(self, table: Table, wishes: Wishes) -> Exception | None:
        report = roll_back(table, wishes)
        left = sum(one.count for one in report.left)
        self.counters = {"rows": report.total("rows"), "left": left}
        self.result(
            rollback_document(report, dry_run=wishes.dry_run),
            *rollback_lines(report, table.registry.kind.name, dry_run=wishes.dry_run),
        )
        if report.error is not None:
            return report.error
        if not left:
            return None
        folders = " and ".join(str(one) for one in report.folders)
        return FindingsError(
            f"{left:,} rows were left as they are. Until each of them is gone, or has the version "
            "of before, --rollback comes back to this migration and to none before it: mend the "
            f"rows, or move {folders} away to be done with it."
        )


def _refuse(
    version: str | None, *, validate_only: bool, rollback: bool, batch_size: int | None
) -> None:
    if rollback and validate_only:
        raise UsageError("Either --rollback or --validate-only.")
    if rollback and version is not None:
        raise UsageError("--rollback takes the last migration back: leave --version out.")
    if batch_size is not None and batch_size < 1:
        raise UsageError(f"--batch-size must be 1 or more, got {batch_size}.")
