"""Give a new site what it begins with."""

from typing import Any

from django.core.management.base import CommandParser

from django_opskit.masking import mask_text
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services.seeding.admin_account import AdminAccount
from django_system_ops.services.seeding.initializing import InitReport, StepReport, initialise

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """
    ``init_system``: see its help.

    It takes no lock: two at once, as when two copies of a site start, make one of each, and
    neither fails.
    """

    help = (
        "Make what a new site begins with, where it is missing: an administrator, the tenants in "
        "MANAGEMENT_COMMANDS['init']['tenants'], and what the steps in ['init']['steps'] make."
    )
    changes_data = has_tenant = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--skip-admin", action="store_true", help="Make no administrator.")

    def perform(
        self,
        *,
        skip_admin: bool = False,
        tenant: str | None = None,
        database: str = "default",
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Make it."""
        report = InitReport()
        error = ""
        try:
            initialise(
                report,
                tenant=tenant,
                skip_admin=skip_admin,
                using=database,
                dry_run=dry_run,
                on_admin=lambda admin: self._tell_admin(admin, dry_run=dry_run),
            )
        except BaseException as failure:
            error = mask_text(str(failure)) or type(failure).__name__
            raise
        finally:
            # What was made before a step that fails stays, the password too.
            self.counters = report.counters()
            if report.has_any or not error:
                self._tell(report, error, dry_run=dry_run)

    def _tell_admin(self, admin: AdminAccount, *, dry_run: bool) -> None:
        """Say it at once: what comes after may fail."""
        verb = _verb(dry_run=dry_run) if admin.is_new else "is there"
        self.say(f"administrator {admin.username}: {verb}")
        if admin.password and not self.json_output:
            with self.unheard():
                # Said even with --verbosity 0: nobody can ask for it again.
                self._write(f"  password = {admin.password}")
            self.say("  The password is shown this once: keep it, or change it.")

    def _tell(self, report: InitReport, error: str, *, dry_run: bool) -> None:
        for step in report.steps:
            self.say(f"{step.name}: {_counts(step, _verb(dry_run=dry_run))}")
        if self.json_output:
            # The password is for whoever runs this, once, and for no record of it.
            with self.unheard():
                self.emit(
                    {
                        "dry_run": dry_run,
                        "admin": _admin_document(report.admin),
                        "steps": {
                            one.name: {
                                "created": one.created,
                                "changed": one.changed,
                                "kept": one.kept,
                            }
                            for one in report.steps
                        },
                        "error": error,
                    }
                )


def _verb(*, dry_run: bool) -> str:
    return "would be made" if dry_run else "made"


def _admin_document(admin: AdminAccount | None) -> dict[str, Any] | None:
    if admin is None:
        return None
    found: dict[str, Any] = {"username": admin.username, "created": admin.is_new}
    return {**found, "password": admin.password} if admin.password else found


def _counts(step: StepReport, verb: str) -> str:
    parts = [
        f"{what}: {', '.join(f'{count:,} {label}' for label, count in sorted(rows.items()))}"
        for what, rows in ((verb, step.created), ("changed", step.changed), ("kept", step.kept))
        if rows
    ]
    return "; ".join(parts) or "nothing"
