"""COPY, by which PostgreSQL takes rows in with a quarter of the work of INSERT."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["Copying", "column_of"]

# What these are in Python once they are clean, psycopg writes as it is. Exactly these: a field
# that derives from one may store something else.
_AS_IT_IS = frozenset(
    {
        models.AutoField,
        models.BigAutoField,
        models.SmallAutoField,
        models.BigIntegerField,
        models.BooleanField,
        models.CharField,
        models.DateField,
        models.DateTimeField,
        models.DecimalField,
        models.EmailField,
        models.FloatField,
        models.IntegerField,
        models.PositiveBigIntegerField,
        models.PositiveIntegerField,
        models.PositiveSmallIntegerField,
        models.SlugField,
        models.SmallIntegerField,
        models.TextField,
        models.TimeField,
        models.URLField,
        models.UUIDField,
    }
)


class Copying:
    """Copies rows into a table over a connection that :meth:`fits`."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection: Any = connection

    @staticmethod
    def fits(connection: BaseDatabaseWrapper) -> bool:
        """Say whether rows can be copied: on PostgreSQL, by psycopg 3."""
        if connection.vendor != "postgresql":
            return False
        from django.db.backends.postgresql.psycopg_any import is_psycopg3

        return bool(is_psycopg3)

    def rows(
        self,
        table: str,
        fields: "Sequence[models.Field[Any, Any]]",
        rows: Iterable[Mapping[str, Any]],
    ) -> None:
        """Write rows, each with the values of ``fields`` by their attributes."""
        quote = self._connection.ops.quote_name
        columns = ", ".join(quote(column_of(one)) for one in fields)
        writers = [(one.attname, self._writer(one)) for one in fields]
        with (
            self._connection.cursor() as cursor,
            self._connection.wrap_database_errors,
            cursor.copy(f"COPY {quote(table)} ({columns}) FROM STDIN") as copy,
        ):
            write = copy.write_row
            for row in rows:
                write(
                    [
                        row[attname] if prepare is None else prepare(row[attname])
                        for attname, prepare in writers
                    ]
                )

    def _writer(self, field: "models.Field[Any, Any]") -> Callable[[Any], Any] | None:
        stored: models.Field[Any, Any] = field
        while isinstance(stored, models.ForeignKey):
            stored = stored.target_field
        if type(stored) in _AS_IT_IS:
            return None
        return lambda value: field.get_db_prep_save(value, self._connection)


def column_of(field: "models.Field[Any, Any]") -> str:
    """Return the column of a field that has one."""
    assert field.column is not None, f"{field} has no column"
    return field.column
