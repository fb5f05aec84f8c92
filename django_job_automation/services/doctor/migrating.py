"""The migration that makes the index that a run goes by."""

import re
from dataclasses import dataclass

from django.db import connections, models
from django.db.migrations.loader import MigrationLoader

from django_job_automation.adapters import ModelAdapter

__all__ = ["MissingIndex", "missing_index"]

_LONGEST_NAME = 30


@dataclass(frozen=True)
class MissingIndex:
    """
    What is missing.

    Attributes:
        declaration: for ``indexes`` of the model's Meta.
        path: of the migration, from the folder of its app.
        migration: its source.
        statement: in place of a migration, where Django does not manage the table; "" otherwise.
    """

    declaration: str
    path: str
    migration: str
    statement: str = ""


def missing_index(adapter: ModelAdapter) -> MissingIndex:
    """Write it; on PostgreSQL it is made while others go on writing."""
    meta = adapter.readings._meta
    fields = [adapter.reading.site, f"-{adapter.reading.at}", f"-{adapter.reading.value}"]
    ending = "_newest"
    name = f"{meta.app_label}_{meta.model_name}"[: _LONGEST_NAME - len(ending)] + ending
    declaration = f'models.Index(fields={_listed(fields)}, name="{name}")'
    if not meta.managed:
        return MissingIndex(declaration, "", "", _statement(adapter, name, fields))
    loader = MigrationLoader(connections[adapter.using])
    leaves = sorted(loader.graph.leaf_nodes(meta.app_label))
    numbers = [int(found[0]) for _app, leaf in leaves if (found := re.match(r"\d+", leaf))]
    path = f"migrations/{max(numbers, default=0) + 1:04}_{meta.model_name}_newest.py"
    is_concurrent = connections[adapter.using].vendor == "postgresql"
    operation = "AddIndexConcurrently" if is_concurrent else "migrations.AddIndex"
    lines = [
        *(
            ["from django.contrib.postgres.operations import AddIndexConcurrently"]
            if is_concurrent
            else []
        ),
        "from django.db import migrations, models",
        "",
        "",
        "class Migration(migrations.Migration):",
        *(["    atomic = False", ""] if is_concurrent else []),
        f"    dependencies = {_pairs(leaves)}",
        "",
        "    operations = [",
        f"        {operation}(",
        f'            model_name="{meta.model_name}",',
        f"            index={declaration},",
        "        ),",
        "    ]",
    ]
    return MissingIndex(declaration, path, "\n".join(lines))


def _statement(adapter: ModelAdapter, name: str, fields: list[str]) -> str:
    with connections[adapter.using].schema_editor(collect_sql=True) as editor:
        editor.add_index(adapter.readings, models.Index(fields=fields, name=name))
    return "\n".join(editor.collected_sql)


def _listed(names: list[str]) -> str:
    return "[" + ", ".join(f'"{one}"' for one in names) + "]"


def _pairs(leaves: list[tuple[str, str]]) -> str:
    return "[" + ", ".join(f'("{app}", "{leaf}")' for app, leaf in leaves) + "]"
