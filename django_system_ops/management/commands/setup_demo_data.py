"""Show a site with something in it, and take it back."""

from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import FindingsError, UsageError
from django_system_ops.conf import get_conf
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.seeding_lines import removed_document, removed_lines, rows_text
from django_system_ops.services.seeding.callables import refuse_in_production
from django_system_ops.services.seeding.demo import make_demo
from django_system_ops.services.seeding.demo_removing import remove_demo
from django_system_ops.services.tenants import Tenants, resolve_tenants

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``setup_demo_data``: see its help."""

    help = (
        "Make demo data with the recipes in MANAGEMENT_COMMANDS['demo']['recipes'], once for each "
        "tenant; --remove takes back exactly that."
    )
    changes_data = takes_lock = has_tenant = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--remove", action="store_true", help="Take back what was made.")
        parser.add_argument(
            "--changed-too",
            action="store_true",
            help="With --remove: also rows that were changed since.",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="The same rows for the same number (default: 1)."
        )
        parser.add_argument(
            "--allow-production", action="store_true", help="Even where DEBUG is off."
        )

    def perform(
        self,
        *,
        tenant: str | None = None,
        remove: bool = False,
        changed_too: bool = False,
        seed: int = 1,
        allow_production: bool = False,
        database: str = "default",
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Make it, or take it back."""
        if changed_too and not remove:
            raise UsageError("--changed-too belongs to --remove.")
        tenants = resolve_tenants(tenant, using=database)
        if remove:
            self._remove(tenants, database, dry_run=dry_run, changed_too=changed_too)
            return
        if not dry_run:
            refuse_in_production(allow=allow_production)
        if not get_conf().demo.recipes:
            raise UsageError(
                "There is no recipe: name one in MANAGEMENT_COMMANDS['demo']['recipes']."
            )
        report = make_demo(
            tenants, seed=seed, using=database, dry_run=dry_run, between=self.check_lock
        )
        self.counters = {"rows": sum(report.rows().values())}
        verb = "would be made" if dry_run else "made"
        self.result(
            {
                "dry_run": dry_run,
                "sets": [
                    {
                        "recipe": one.recipe,
                        "tenant": one.tenant,
                        "is_there": one.is_there,
                        "rows": one.rows,
                    }
                    for one in report.sets
                ],
            },
            *(
                f"{one.recipe}{f' for {one.tenant}' if one.tenant else ''}: "
                + ("is there" if one.is_there else f"{verb}: {rows_text(one.rows)}")
                for one in report.sets
            ),
            *([] if report.sets else ["There is no tenant: init_system makes some."]),
        )

    def _remove(self, tenants: Tenants, database: str, *, dry_run: bool, changed_too: bool) -> None:
        removed = remove_demo(
            tenants,
            using=database,
            dry_run=dry_run,
            changed_too=changed_too,
            between=self.check_lock,
        )
        self.counters = {"rows": sum(removed.rows.values())}
        self.result(
            {"dry_run": dry_run, **removed_document(removed)},
            *removed_lines(removed, dry_run=dry_run),
        )
        if removed.has_findings:
            raise FindingsError("Not all of it could be taken back.")
