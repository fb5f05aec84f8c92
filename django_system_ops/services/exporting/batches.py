"""Rows of a table in the order of their keys, some at a time, in little memory."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from django.db import connections, models

from django_system_ops.formats.sizes import size_of
from django_system_ops.services.exporting.parents import ParentsFirst

__all__ = ["ROWS_AT_ONCE", "Batches"]

#: How many rows are in memory at once; fewer where they are long.
ROWS_AT_ONCE = 2000

# What nobody has seen yet may be books: a few of them say how long the others are.
_ROWS_AT_FIRST = 100
_CHARACTERS_AT_ONCE = 4_000_000
_MOST_GROWTH = 4
_LONG_TEXT = 1000

_Row = tuple[Any, ...]


class Batches:
    """
    Rows as tuples of the key and the named fields.

    Attributes:
        longest: how many characters the longest value of a field has in a file, for those that
            may be long.
    """

    def __init__(self, rows: "models.QuerySet[Any]", names: Sequence[str], *, using: str) -> None:
        self._using = using
        fields = [rows.model._meta.get_field(name) for name in names]
        self._long = [(place, one) for place, one in enumerate(fields, 1) if _may_be_long(one)]
        self.longest: dict[str, int] = {}
        self._size = min(_ROWS_AT_FIRST, ROWS_AT_ONCE) if self._long else ROWS_AT_ONCE
        self._parents = ParentsFirst(rows.model, names)
        columns = ("pk", *names, *self._parents.columns)
        self._rows: Any = rows.order_by("pk").values_list(*columns)

    def read(self) -> Generator[list[_Row], None, None]:
        """
        Yield them in batches, in the order of their keys, but each behind its parents.

        Whoever stops early closes it, before the transaction ends: an open cursor of the server's
        would otherwise be closed in the middle of the next one, and break that.
        """
        in_order = self._streamed() if _can_stream(self._using) else self._paged()
        with closing(in_order) as batches:
            yield from self._parents.sorted(batches, self._found)

    def _streamed(self) -> Generator[list[_Row], None, None]:
        rows = self._rows
        while rows is not None:
            size = self._size
            with closing(rows.iterator(chunk_size=size)) as stream:
                rows = None
                while batch := list(islice(stream, size)):
                    self._note(batch)
                    yield batch
                    if self._size != size:
                        # What a cursor fetches at once is said when it is opened.
                        rows = self._rows.filter(pk__gt=batch[-1][0])
                        break

    def _paged(self) -> Generator[list[_Row], None, None]:
        size = self._size
        page = list(self._rows[:size])
        while page:
            self._note(page)
            yield page
            if len(page) < size:
                return
            size = self._size
            page = list(self._rows.filter(pk__gt=page[-1][0])[:size])

    def _found(self, keys: Iterator[Any]) -> Iterator[list[_Row]]:
        """Yield the rows of keys, in the order of these."""
        while some := list(islice(keys, min(self._size, 500))):
            found = {row[0]: row for row in self._rows.filter(pk__in=some)}
            # Inside a transaction of somebody else's, rows may have gone meanwhile.
            yield [found[key] for key in some if key in found]

    def _note(self, batch: Sequence[_Row]) -> None:
        """Look how long values are, and fit the next batch to it."""
        if not self._long:
            return
        total = 0
        for place, field in self._long:
            values = [row[place] for row in batch]
            # Texts by themselves, since most values are.
            sizes = [len(one) if type(one) is str else size_of(one) for one in values]
            total += sum(sizes)
            longest = max(sizes)
            if isinstance(field, models.BinaryField):
                longest = -(-longest // 3) * 4  # as base64
            self.longest[field.name] = max(longest, self.longest.get(field.name, 0))
        fitting = len(batch) * _CHARACTERS_AT_ONCE // max(total, 1)
        fitting = max(1, min(fitting, self._size * _MOST_GROWTH, ROWS_AT_ONCE))
        # Another size costs a statement: not for a little.
        if 2 * fitting <= self._size or fitting >= min(2 * self._size, ROWS_AT_ONCE):
            self._size = fitting


def _may_be_long(field: Any) -> bool:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    if isinstance(field, models.TextField | models.JSONField | models.BinaryField):
        return True
    if isinstance(field, models.CharField):
        return field.max_length is None or field.max_length > _LONG_TEXT
    return not type(field).__module__.startswith("django.db.models.")


def _can_stream(using: str) -> bool:
    """Return whether the server hands rows out one after the other."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        return not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    # The client of MariaDB and MySQL takes all of a result into its memory.
    return connection.vendor == "sqlite"
