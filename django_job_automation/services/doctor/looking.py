"""
How the database looks up the newest reading of a site, by its own word.

Each site of each run costs such a look: by an index it is a few pages, without one the whole table.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections, models, transaction
from django.utils import timezone

from django_job_automation.adapters import ModelAdapter

__all__ = ["Look", "look_at"]


@dataclass(frozen=True)
class Look:
    """
    What the plan says.

    Attributes:
        index: the one that it goes by; "" when it reads the table.
        is_sorted: whether the index gives the newest first, or a site's readings are sorted.
        is_covering: whether the index has all that is asked for.
        plan: as the database wrote it.
        fitting: the indexes that begin with site and moment.
        single: those that hold the site alone, and promise nothing.
    """

    index: str
    is_sorted: bool
    is_covering: bool
    plan: str
    fitting: tuple[str, ...] = ()
    single: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Return whether a look costs the same however long a site's history is."""
        return self.index in self.fitting and self.is_sorted


def look_at(adapter: ModelAdapter) -> Look:
    """Ask for the plan; nothing is read but that."""
    fields = adapter.reading
    connection = connections[adapter.using]
    rows: Any = (
        adapter.all_readings()
        .filter(
            **{
                # Any site: the plan is the same for each of them.
                fields.site: _any_key(adapter),
                f"{fields.value}__isnull": False,
                f"{fields.at}__lte": timezone.now(),
            }
        )
        .order_by(f"-{fields.at}", f"-{fields.value}")
        .values_list(fields.value)[:1]
    )
    if connection.vendor == "postgresql":
        look = _postgresql(rows, adapter.using)
    elif connection.vendor == "sqlite":
        look = _sqlite(rows.explain())
    else:
        look = _mysql(rows, adapter.using)
    # A plan may go by an index that has site and moment somewhere: that is no look at its end.
    site, at = (_column(adapter, name) for name in (fields.site, fields.at))
    found = sorted(_indexes(adapter).items())
    return replace(
        look,
        fitting=tuple(name for name, one in found if one["columns"][:2] == [site, at]),
        single=tuple(name for name, one in found if one["columns"] == [site] and not one["unique"]),
    )


def _indexes(adapter: ModelAdapter) -> dict[str, Any]:
    """Return the indexes of the readings by name."""
    connection = connections[adapter.using]
    table = adapter.readings._meta.db_table
    with connection.cursor() as cursor:
        found: dict[str, Any] = {**connection.introspection.get_constraints(cursor, table)}
        if connection.vendor == "sqlite":
            # The index of a constraint has a name that only SQLite knows, and plans have that one.
            cursor.execute("SELECT name FROM pragma_index_list(%s) WHERE origin <> 'c'", [table])
            for (name,) in cursor.fetchall():
                cursor.execute("SELECT name FROM pragma_index_info(%s) ORDER BY seqno", [name])
                columns = [column for (column,) in cursor.fetchall()]
                found[name] = {"columns": columns, "index": True, "unique": True}
    return {
        name: one
        for name, one in found.items()
        if (one["index"] or one["unique"]) and one["columns"]
    }


def _column(adapter: ModelAdapter, name: str) -> str:
    field: Any = adapter.readings._meta.get_field(name)
    return str(field.column)


def _any_key(adapter: ModelAdapter) -> Any:
    first = adapter.all_sites().order_by("pk").values_list("pk", flat=True).first()
    if first is not None:
        return first
    primary = adapter.sites._meta.pk
    return 0 if isinstance(primary, models.IntegerField) else "00000000-0000-0000-0000-000000000000"


def _postgresql(rows: Any, using: str) -> Look:
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            # A table of a few rows is quicker read as a whole, and says nothing of a large one.
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = rows.explain(format="json")
        # So that the setting is gone, even within a transaction of the caller's.
        transaction.set_rollback(True, using=using)
    nodes = list(_nodes(json.loads(plan)[0]["Plan"]))
    kinds = [one["Node Type"] for one in nodes]
    index = next((one["Index Name"] for one in nodes if "Index Name" in one), "")
    return Look(
        index=index,
        # Of those at one moment a few may be sorted: that is no matter.
        is_sorted="Sort" not in kinds and "Bitmap Heap Scan" not in kinds,
        is_covering="Index Only Scan" in kinds,
        plan=" > ".join(kinds),
    )


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _sqlite(plan: str) -> Look:
    searched = [line for line in plan.splitlines() if "USING" in line and "INDEX" in line]
    words = searched[0].split() if searched else []
    return Look(
        index=words[words.index("INDEX") + 1] if words else "",
        is_sorted="USE TEMP B-TREE FOR ORDER BY" not in plan,
        is_covering="COVERING INDEX" in plan,
        # Each line begins with three numbers.
        plan=" > ".join(line.split(maxsplit=3)[-1] for line in plan.splitlines()),
    )


def _mysql(rows: Any, using: str) -> Look:
    statement, values = rows.query.sql_with_params()
    with connections[using].cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", values)
        names = [column[0].lower() for column in cursor.description]
        row = dict(zip(names, cursor.fetchone(), strict=True))
    extra = row["extra"] or ""
    return Look(
        index=row["key"] or "",
        is_sorted="filesort" not in extra,
        is_covering="Using index" in extra and "Using index condition" not in extra,
        plan=f"{row['type']} {row['key'] or 'no index'}: {extra}",
    )
