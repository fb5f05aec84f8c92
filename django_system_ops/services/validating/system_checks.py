"""What Django's own checks say."""

from django.apps import apps
from django.core import checks

from django_system_ops.services.validating.findings import (
    CheckReport,
    Finding,
    Inspection,
    Level,
)
from django_system_ops.services.validating.scope import Scope

__all__ = ["SystemChecks"]


class SystemChecks:
    """The registered checks, those that ask the database too; not those for deployment."""

    name = "system_checks"
    help = "The system checks of Django and of the apps, those of the database included."
    is_default = True

    def run(self, scope: Scope) -> CheckReport:
        """Run the checks."""
        inspection = Inspection(self.name, "checks", scope.using)
        configs = None if scope.app_label is None else [apps.get_app_config(scope.app_label)]
        messages = checks.run_checks(app_configs=configs, databases=[scope.using])
        inspection.looked_at(len(checks.registry.registry.get_checks()))
        for one in messages:
            if one.is_silenced():
                continue
            level = Level.FINDING if one.is_serious() else Level.INFO
            hint = f" {one.hint}" if one.hint else ""
            where = f"{one.id or 'no id'}{f' {one.obj}' if one.obj else ''}"
            inspection.find(Finding(where, f"{one.msg}{hint}", level=level))
        return inspection.report()
