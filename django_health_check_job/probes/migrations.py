"""Is a database as new as the code?"""

from dataclasses import dataclass

from django.db import connections
from django.db.utils import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError

from django_health_check_job.probes.base import Down, Unknown
from django_health_check_job.probes.builtin import BuiltIn
from django_health_check_job.probes.database import usable_connection

__all__ = ["Migrations"]

_MOST_NAMES = 3


@dataclass
class Migrations(BuiltIn):
    """
    DOWN when migrations of the installed apps were not applied; UNKNOWN without the database.

    Args:
        alias: the database's key in DATABASES.
    """

    alias: str = DEFAULT_DB_ALIAS

    def run(self) -> None:
        """Compare the migrations on disk with those in the database."""
        # Here, so that naming the probe does not load every app's migrations machinery.
        from django.db.migrations.executor import MigrationExecutor

        try:
            executor = MigrationExecutor(usable_connection(self.alias))
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except (DatabaseError, InterfaceError) as error:
            raise Unknown(f"the database cannot be asked ({type(error).__name__})") from error
        if plan:
            names = [f"{one.app_label}.{one.name}" for one, _ in plan[:_MOST_NAMES]]
            more = f" and {len(plan) - len(names)} more" if len(plan) > len(names) else ""
            raise Down(f"{len(plan)} not applied: {', '.join(names)}{more}")

    def _check_options(self) -> None:
        self._require_alias(self.alias, connections.settings, "DATABASES")

    def _own_name(self) -> str:
        return f"Migrations {self.alias}"
