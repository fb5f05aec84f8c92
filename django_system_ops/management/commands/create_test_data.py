"""Fill tables with made-up rows, and empty them of these again."""

from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import FindingsError, UsageError
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.seeding_lines import removed_document, removed_lines, rows_text
from django_system_ops.services.seeding.callables import refuse_in_production
from django_system_ops.services.tenants import resolve_tenants
from django_system_ops.services.test_data.cleaning import clean_test_data
from django_system_ops.services.test_data.making import Made, make_test_data
from django_system_ops.services.test_data.planning import Plan, plan_for
from django_system_ops.services.test_data.scenarios import (
    DEFAULT,
    VOLUMES,
    model_named,
    scenario_counts,
)

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``create_test_data``: see its help."""

    help = (
        "Fill tables with made-up rows that look real, as many as you like, the same for the same "
        "--seed; --clean removes exactly these."
    )
    changes_data = takes_lock = has_tenant = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        sizes = ", ".join(f"{name} {rows:,}" for name, rows in VOLUMES.items())
        parser.add_argument(
            "--volume",
            choices=list(VOLUMES),
            default="small",
            help=f"How many rows in all: {sizes} (default: small).",
        )
        parser.add_argument(
            "--scenario",
            default=DEFAULT,
            metavar="NAME",
            help="Of what, in which parts: MANAGEMENT_COMMANDS['test_data']['scenarios'].",
        )
        parser.add_argument(
            "--model", metavar="LABEL", help="Of this model alone, as app.Model, and what it needs."
        )
        parser.add_argument(
            "--count", type=int, metavar="ROWS", help="So many rows in the place of a volume."
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="The same rows for the same number (default: 1)."
        )
        parser.add_argument(
            "--clean", action="store_true", help="Remove the rows that this command has made."
        )
        parser.add_argument(
            "--changed-too",
            action="store_true",
            help="With --clean: also rows that were changed since.",
        )
        parser.add_argument(
            "--allow-production", action="store_true", help="Even where DEBUG is off."
        )

    def perform(self, **options: Any) -> None:
        """Make rows, or remove them."""
        count = options.get("count")
        if count is not None and count < 1:
            raise UsageError(f"--count must be 1 or more, got {count}.")
        if options.get("changed_too") and not options.get("clean"):
            raise UsageError("--changed-too belongs to --clean.")
        if options.get("clean"):
            self._clean(**options)
            return
        if not options.get("dry_run"):
            refuse_in_production(allow=bool(options.get("allow_production")))
        database = options.get("database") or "default"
        tenants = resolve_tenants(options.get("tenant"), using=database)
        scenario, model = options.get("scenario") or DEFAULT, options.get("model")
        total = count or VOLUMES[options.get("volume") or "small"]
        wanted = {model_named(model): total} if model else scenario_counts(scenario, total)
        plan = plan_for(wanted, tenants, using=database, is_named=bool(model))
        if options.get("dry_run"):
            rows = {one._meta.label: rows for one, rows in plan.counts.items()}
            self._tell(plan, Made(rows), dry_run=True)
            return
        with self.progress("Making rows", sum(plan.counts.values())) as advance:
            made = make_test_data(
                plan,
                tenants,
                scenario=f"model:{model}" if model else scenario,
                seed=options.get("seed", 1),
                using=database,
                between=self.check_lock,
                advance=advance,
            )
        self.counters = {"rows": sum(made.rows.values())}
        self._tell(plan, made, dry_run=False)

    def _tell(self, plan: Plan, made: Made, *, dry_run: bool) -> None:
        added = [one._meta.label for one in plan.added]
        left_out = [one._meta.label for one in plan.left_out]
        lines = [f"{'would be made' if dry_run else 'made'}: {rows_text(made.rows)}"]
        if added:
            lines.append(f"  added, since others point at it: {', '.join(added)}")
        if left_out:
            lines.append(f"  left out, since it is no tenant's: {', '.join(left_out)}")
        lines += [f"  fewer {label}: {reason}" for label, reason in made.short.items()]
        self.result(
            {
                "dry_run": dry_run,
                "rows": made.rows,
                "added": added,
                "left_out": left_out,
                "short": made.short,
            },
            *lines,
        )

    def _clean(self, **options: Any) -> None:
        database, model = options.get("database") or "default", options.get("model")
        dry_run = bool(options.get("dry_run"))
        with self.progress("Removing rows", None) as advance:
            removed = clean_test_data(
                resolve_tenants(options.get("tenant"), using=database),
                using=database,
                model=model_named(model) if model else None,
                dry_run=dry_run,
                changed_too=bool(options.get("changed_too")),
                between=self.check_lock,
                advance=advance,
            )
        self.counters = {"rows": sum(removed.rows.values())}
        self.result(
            {"dry_run": dry_run, **removed_document(removed)},
            *removed_lines(removed, dry_run=dry_run),
        )
        if removed.has_findings:
            raise FindingsError("Not all of it could be removed.")
