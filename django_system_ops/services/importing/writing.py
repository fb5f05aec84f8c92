"""Rows go into the table, and changes of rows over it, many at once."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from django.db import connections, models
from django.db.models import sql

from django_system_ops.services.importing.candidates import Candidate
from django_system_ops.services.importing.columns import Layout
from django_system_ops.services.importing.copying import Copying, column_of
from django_system_ops.services.importing.orders import Order

__all__ = ["Writing"]

_STAGE = "django_system_ops_import"


class Writing:
    """Writes batches: COPY on PostgreSQL, statements of many rows elsewhere."""

    def __init__(self, order: Order, kept: frozenset[str]) -> None:
        """``kept`` are attributes that no change touches: the key, and whose the row is."""
        self._order, self._kept = order, kept
        self._connection = connections[order.using]
        self._copying = Copying(self._connection) if Copying.fits(self._connection) else None
        self._meta = order.model._meta
        self._largest_pk: int | None = None

    def insert(self, candidates: Sequence[Candidate]) -> None:
        """Write new rows, in this order."""
        for layout, some in _runs(candidates):
            for candidate in some:
                values = candidate.values
                for attname, fill in layout.fills:
                    if attname not in values:
                        values[attname] = fill(values)
            if self._copying is not None and layout.inserted:
                self._copying.rows(
                    self._meta.db_table,
                    layout.inserted,
                    (candidate.values for candidate in some),
                )
            else:
                self._insert(layout.inserted, some)
            self._note_keys(layout, some)

    def update(self, candidates: Sequence[Candidate]) -> int:
        """Write changes over rows, and return how many there were; others change nothing."""
        count = 0
        for layout, some in _runs(candidates):
            fields = [cell.field for cell in layout.cells if cell.attname not in self._kept]
            if not fields:
                count += len(some) if layout.links else 0
                continue
            for candidate in some:
                for field, fill in layout.touched:
                    candidate.values[field.attname] = fill(candidate.values)
            fields += [field for field, _fill in layout.touched]
            self._update(fields, some)
            count += len(some)
        return count

    def settle(self) -> None:
        """Find at once what the database looks at only at the commit: keys that lead nowhere."""
        if self._connection.vendor == "postgresql":
            with self._connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    def advance_sequence(self) -> None:
        """Let the table's own numbers go on behind those that came in, where none does it."""
        if self._largest_pk is None or self._connection.vendor != "postgresql":
            return
        quote = self._connection.ops.quote_name
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_serial_sequence(%s, %s)",
                [quote(self._meta.db_table), self._meta.pk.column],
            )
            (sequence,) = cursor.fetchone()
            if sequence:
                # Never back: another may have taken numbers that it has not committed yet.
                cursor.execute(
                    f"SELECT setval(%s, %s) FROM {sequence}"  # noqa: S608  # quoted by the server
                    " WHERE last_value < %s OR (last_value = %s AND NOT is_called)",
                    [sequence, self._largest_pk, self._largest_pk, self._largest_pk],
                )
        self._largest_pk = None

    def _insert(
        self, fields: "Sequence[models.Field[Any, Any]]", some: Sequence[Candidate]
    ) -> None:
        rows = [SimpleNamespace(**one.values) for one in some]
        size = self._connection.ops.bulk_batch_size(list(fields), rows) or len(rows)
        for start in range(0, len(rows), size):
            query: Any = sql.InsertQuery(self._order.model)
            query.insert_values(list(fields), rows[start : start + size], raw=True)
            query.get_compiler(using=self._order.using).execute_sql()

    def _update(self, fields: "list[models.Field[Any, Any]]", some: Sequence[Candidate]) -> None:
        quote = self._connection.ops.quote_name
        table, stage, pk = quote(self._meta.db_table), quote(_STAGE), self._meta.pk
        columns = [quote(column_of(one)) for one in fields]
        on_commit = "ON COMMIT DROP" if self._connection.vendor == "postgresql" else ""
        with self._connection.cursor() as cursor:
            cursor.execute(self._drop_stage(stage))
            names = ", ".join([quote(column_of(pk)), *columns])
            cursor.execute(
                f"CREATE TEMPORARY TABLE {stage} {on_commit} "  # noqa: S608  # quoted
                f"AS SELECT {names} FROM {table} WHERE 1 = 0"
            )
        self._fill_stage([pk, *fields], some)
        with self._connection.cursor() as cursor:
            cursor.execute(self._update_sql(table, stage, quote(column_of(pk)), columns))
            cursor.execute(self._drop_stage(stage))

    def _drop_stage(self, stage: str) -> str:
        # The temporary table and no other; on MariaDB without TEMPORARY it would commit.
        if self._connection.vendor == "mysql":
            return f"DROP TEMPORARY TABLE IF EXISTS {stage}"
        schema = "pg_temp" if self._connection.vendor == "postgresql" else "temp"
        return f"DROP TABLE IF EXISTS {schema}.{stage}"

    def _update_sql(self, table: str, stage: str, pk: str, columns: Sequence[str]) -> str:
        pairs = ", ".join(f"{one} = s.{one}" for one in columns)
        if self._connection.vendor == "postgresql":
            return f"UPDATE {table} t SET {pairs} FROM {stage} s WHERE t.{pk} = s.{pk}"  # noqa: S608  # quoted
        if self._connection.vendor == "mysql":
            pairs = ", ".join(f"t.{one} = s.{one}" for one in columns)
            return f"UPDATE {table} t JOIN {stage} s ON t.{pk} = s.{pk} SET {pairs}"  # noqa: S608  # quoted
        names = ", ".join(columns)
        return (
            f"UPDATE {table} SET ({names}) = (SELECT {names} FROM {stage} s"  # noqa: S608  # quoted
            f" WHERE s.{pk} = {table}.{pk}) WHERE {pk} IN (SELECT {pk} FROM {stage})"
        )

    def _fill_stage(
        self, fields: "Sequence[models.Field[Any, Any]]", some: Sequence[Candidate]
    ) -> None:
        pk = fields[0]
        rows = ({**one.values, pk.attname: one.existing} for one in some)
        if self._copying is not None:
            self._copying.rows(_STAGE, fields, rows)
            return
        quote = self._connection.ops.quote_name
        names = ", ".join(quote(column_of(one)) for one in fields)
        place = f"({', '.join(['%s'] * len(fields))})"
        found = [
            [one.get_db_prep_save(row[one.attname], self._connection) for one in fields]
            for row in rows
        ]
        size = self._connection.ops.bulk_batch_size(list(fields), found) or len(found)
        with self._connection.cursor() as cursor:
            for start in range(0, len(found), size):
                part = found[start : start + size]
                cursor.execute(
                    f"INSERT INTO {quote(_STAGE)} ({names}) VALUES "  # noqa: S608  # quoted
                    f"{', '.join([place] * len(part))}",
                    [value for row in part for value in row],
                )

    def _note_keys(self, layout: Layout, some: Sequence[Candidate]) -> None:
        pk = self._meta.pk
        if isinstance(pk, models.AutoField) and pk.attname in layout.given:
            keys = [one.values[pk.attname] for one in some]
            self._largest_pk = max([*keys, self._largest_pk or 0])


def _runs(candidates: Sequence[Candidate]) -> Iterator[tuple[Layout, list[Candidate]]]:
    """Yield neighbours of one layout together: the order of the file stays."""
    for _key, some in groupby(candidates, key=lambda one: id(one.layout)):
        found = list(some)
        yield found[0].layout, found
