"""Whether the database is where the code is."""

from django.apps import apps
from django.db import connections
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState

from django_system_ops.services.validating.findings import CheckReport, Finding, Inspection
from django_system_ops.services.validating.scope import Scope

__all__ = ["Migrations"]


class Migrations:
    """What migrate would apply, and what makemigrations would write."""

    name = "migrations"
    help = "Every migration is applied, and no model has changed without one."
    is_default = True

    def run(self, scope: Scope) -> CheckReport:
        """Look at the migrations of every app."""
        inspection = Inspection(self.name, "migrations", scope.using)
        connection = connections[scope.using]
        executor = MigrationExecutor(connection)
        loader = executor.loader
        leaves = [key for key in loader.graph.leaf_nodes() if scope.app_label in (None, key[0])]
        pending = {(one.app_label, one.name) for one, _ in executor.migration_plan(leaves)}
        known = [key for key in loader.graph.nodes if scope.app_label in (None, key[0])]
        inspection.looked_at(len(known))
        for label, name in sorted(pending.intersection(known)):
            inspection.find(Finding(f"{label}.{name}", "is not applied; run migrate"))
        for label, names in sorted(loader.detect_conflicts().items()):
            if scope.app_label in (None, label):
                both = ", ".join(sorted(names))
                inspection.find(Finding(label, f"has several last migrations: {both}"))
        without = [
            label
            for label in sorted(loader.unmigrated_apps)
            if scope.app_label in (None, label) and any(apps.get_app_config(label).get_models())
        ]
        if without:
            inspection.note(f"apps without migrations: {', '.join(without)}")
        self._look_for_changes(inspection, scope, loader)
        return inspection.report()

    def _look_for_changes(
        self, inspection: Inspection, scope: Scope, loader: MigrationLoader
    ) -> None:
        labels = {scope.app_label} if scope.app_label else None
        detector = MigrationAutodetector(
            loader.project_state(),
            ProjectState.from_apps(apps),
            NonInteractiveMigrationQuestioner(specified_apps=labels, dry_run=True),
        )
        changes = detector.changes(graph=loader.graph, trim_to_apps=labels, convert_apps=labels)
        for label, migrations in sorted(changes.items()):
            for migration in migrations:
                what = [one.describe() for one in migration.operations]
                message = f"has changes without a migration: {'; '.join(what)}"
                inspection.find(Finding(label, message, len(what)))
