"""Bringing rows in as fast as the database takes them, and knowing which keys they got."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db import connections, models

from django_system_ops.exceptions import SystemOpsError

__all__ = ["Keys", "Writer", "writer_for"]

Keys = list[tuple[int, int]]

# MariaDB: a statement should be well below max_allowed_packet.
_ROWS_PER_STATEMENT = 500


class Writer:
    """Writes rows of one model by executemany, with keys that it gives them itself: for SQLite."""

    def __init__(self, model: type[models.Model], fields: Sequence[Any], using: str) -> None:
        self.connection: Any = connections[using]
        self.model = model
        self.pk = model._meta.pk
        self.gives_keys = isinstance(self.pk, models.AutoField)
        self.fields = list(fields)
        quote = self.connection.ops.quote_name
        self.table = quote(model._meta.db_table)
        self.columns = [quote(one.column) for one in self.fields]

    def render(self, field: Any) -> Callable[[Any], Any]:
        """Return what makes of a value what ``write`` wants; for pools, once for each value."""
        connection = self.connection
        return lambda value: field.get_db_prep_save(value, connection)

    def write(self, columns: Sequence[Sequence[Any]], count: int) -> Keys:
        """Write rows and return their keys as ranges; none where the key is one of the columns."""
        names, keys = self.columns, []
        if self.gives_keys:
            first = self._next_key()
            keys = [(first, first + count - 1)]
            names = [self.connection.ops.quote_name(self.pk.column), *names]
            columns = [range(first, first + count), *columns]
        marks = ", ".join(["%s"] * len(names))
        sql = f"INSERT INTO {self.table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        with self.connection.cursor() as cursor:
            cursor.executemany(sql, _rows(columns, count))
        return keys

    def _next_key(self) -> int:
        # Whoever writes is alone on SQLite: a transaction that another overtook fails.
        with self.connection.cursor() as cursor:
            column = self.connection.ops.quote_name(self.pk.column)
            cursor.execute(f"SELECT COALESCE(MAX({column}), 0) FROM {self.table}")  # noqa: S608
            highest = int(cursor.fetchone()[0])
            cursor.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = %s", [self.model._meta.db_table]
            )
            # Keys of rows that are gone are not given again.
            found = cursor.fetchone()
        return max(highest, int(found[0]) if found else 0) + 1


class CopyWriter(Writer):
    """COPY, for PostgreSQL, with keys that the sequence has given us and gives nobody else."""

    def __init__(self, model: type[models.Model], fields: Sequence[Any], using: str) -> None:
        super().__init__(model, fields, using)
        self.connection.ensure_connection()

    def render(self, field: Any) -> Callable[[Any], bytes]:
        """Return what makes of a value its text for COPY."""
        from psycopg.adapt import PyFormat, Transformer

        connection = self.connection
        transformer = Transformer(connection.connection)

        def text(value: Any) -> bytes:
            prepared = field.get_db_prep_save(value, connection)
            if prepared is None:
                return b"\\N"
            dumped = transformer.get_dumper(prepared, PyFormat.TEXT).dump(prepared)
            # PostgreSQL 15, "COPY", File Formats, Text Format.
            return (
                bytes(dumped or b"")
                .replace(b"\\", b"\\\\")
                .replace(b"\t", b"\\t")
                .replace(b"\n", b"\\n")
                .replace(b"\r", b"\\r")
            )

        return text

    def write(self, columns: Sequence[Sequence[Any]], count: int) -> Keys:
        """Write rows and return their keys as ranges; none where the key is one of the columns."""
        names, keys = self.columns, []
        with self.connection.cursor() as cursor:
            if self.gives_keys:
                given = self._given_keys(cursor, count)
                keys = list(_ranges(given))
                names = [self.connection.ops.quote_name(self.pk.column), *names]
                columns = [list(map(b"%d".__mod__, given)), *columns]
            text = b"\n".join(map(b"\t".join, zip(*columns, strict=True))) + b"\n"
            sql = f"COPY {self.table} ({', '.join(names)}) FROM STDIN"
            # Django does not know of copy(): its errors come as psycopg's own.
            with self.connection.wrap_database_errors, cursor.copy(sql) as copy:
                copy.write(text)
        return keys

    def _given_keys(self, cursor: Any, count: int) -> list[int]:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [self.table, self.pk.column, count],
        )
        return sorted(int(row[0]) for row in cursor.fetchall())


class MultiRowWriter(Writer):
    """
    INSERT of many rows at once, for MariaDB and MySQL, which say which key the first one got.

    The others follow it without a gap: the number of rows is known beforehand. Source: MariaDB
    Knowledge Base, "AUTO_INCREMENT Handling in InnoDB", simple inserts.
    """

    def write(self, columns: Sequence[Sequence[Any]], count: int) -> Keys:
        """Write rows and return their keys as ranges; none where the key is one of the columns."""
        row = f"({', '.join(['%s'] * len(self.columns))})"
        head = f"INSERT INTO {self.table} ({', '.join(self.columns)}) VALUES "  # noqa: S608
        rows = list(_rows(columns, count))
        ranges: Keys = []
        with self.connection.cursor() as cursor:
            if self.gives_keys:
                self._refuse_steps(cursor)
            for start in range(0, count, _ROWS_PER_STATEMENT):
                part = rows[start : start + _ROWS_PER_STATEMENT]
                values = [value for one in part for value in one]
                cursor.execute(head + ", ".join([row] * len(part)), values)
                if self.gives_keys:
                    first = int(cursor.lastrowid)
                    ranges.append((first, first + len(part) - 1))
        return _joined(ranges)

    def _refuse_steps(self, cursor: Any) -> None:
        cursor.execute("SELECT @@auto_increment_increment")
        step = int(cursor.fetchone()[0])
        if step != 1:
            raise SystemOpsError(
                f"The server numbers rows in steps of {step} (auto_increment_increment), so nobody "
                "could say later which rows were ours: set it to 1 for this session."
            )


def writer_for(model: type[models.Model], fields: Sequence[Any], using: str) -> Writer:
    """Return what writes fastest to this database."""
    vendor = connections[using].vendor
    kind = {"postgresql": CopyWriter, "mysql": MultiRowWriter}.get(vendor, Writer)
    return kind(model, fields, using)


def _rows(columns: Sequence[Sequence[Any]], count: int) -> Iterator[tuple[Any, ...]]:
    return zip(*columns, strict=True) if columns else iter([()] * count)


def _ranges(keys: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield sorted keys as ranges without gaps."""
    first = last = keys[0]
    for key in keys[1:]:
        if key != last + 1:
            yield first, last
            first = key
        last = key
    yield first, last


def _joined(ranges: Keys) -> Keys:
    found: Keys = []
    for first, last in sorted(ranges):
        if found and found[-1][1] + 1 == first:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found
