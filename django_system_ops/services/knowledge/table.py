"""The rows that have versions, as batches are read, locked and written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections, models
from django.db.models import Case, Count, QuerySet, Value, When
from django.db.models.functions import Cast

from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.knowledge.columns import Columns
from django_system_ops.services.knowledge.registry import Registry, Row
from django_system_ops.services.tenants import Tenants

__all__ = ["Strangers", "Survey", "Table"]

# A statement holds the new values themselves: MariaDB takes 16 MiB by default.
_MOST_BYTES = 2**21


@dataclass(frozen=True)
class Strangers:
    """Rows of no version, of one that no step knows, or that a migration has taken there."""

    version: str | None
    count: int
    examples: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Survey:
    """
    How many rows there are of each version.

    Attributes:
        counts: of the versions that steps know and rows have.
        strangers: the rest: those of no version, and those of unknown ones.
        strays: rows that an unfinished migration has taken to a version, and that the type's
            filter matches no more; ``outside`` the same of those that were finished.
    """

    counts: Mapping[str, int]
    strangers: tuple[Strangers, ...]
    strays: tuple[Strangers, ...] = ()
    outside: tuple[Strangers, ...] = ()

    @property
    def present(self) -> Sequence[str]:
        """Return the known versions from which rows can go on."""
        return tuple(dict.fromkeys([*self.counts, *(str(one.version) for one in self.strays)]))

    @property
    def total(self) -> int:
        """Return how many rows there are."""
        return sum(self.counts.values()) + sum(one.count for one in self.strangers)


class Table:
    """The rows of these tenants in one database; with all that is asked of the database."""

    def __init__(self, registry: Registry, tenants: Tenants, using: str) -> None:
        self.registry = registry
        self.tenants = tenants
        self.using = using
        self.model: type[models.Model] = registry.kind.model
        self.version = registry.field.attname
        conf = registry.kind.conf
        self._unfiltered = replace(registry.kind, conf=conf.model_copy(update={"filter": {}}))
        self.has_filter = bool(conf.filter)
        self.columns = Columns(self.model, self.version)

    def survey(self, examples: int) -> Survey:
        """Return which versions the rows have, with so many keys of those nobody knows."""
        rows, name = self._mine(), self.version
        known = [self._stored(one) for one in self.registry.graph.versions]
        counts = rows.filter(**{f"{name}__in": known}).values_list(name).order_by(name)
        found = {str(one): count for one, count in counts.annotate(Count("pk"))}
        unknown = rows.filter(**{f"{name}__isnull": False}).exclude(**{f"{name}__in": known})
        without = rows.filter(**{f"{name}__isnull": True})
        strangers = (
            Strangers(version, some.count(), self._examples(some, examples))
            for version, some in (("", unknown), (None, without))
        )
        return Survey(
            {one: found[one] for one in self.registry.graph.versions if one in found},
            tuple(one for one in strangers if one.count),
        )

    def examples(self, version: str, count: int) -> tuple[tuple[str, str | None], ...]:
        """Return the first keys of the rows of a version."""
        return self._examples(self._mine().filter(**self._at(version)), count)

    def keys(self, version: str, after: Any, count: int) -> list[Any]:
        """Return the next keys of the rows of a version, behind ``after`` if that is not None."""
        rows = self._mine().filter(**self._at(version))
        if after is not None:
            rows = rows.filter(pk__gt=after)
        return list(rows.order_by("pk").values_list("pk", flat=True)[:count])

    def pages(self, version: str, size: int) -> Iterator[list[Row]]:
        """Yield the rows of a version in the order of their keys, so many at a time."""
        last = None
        while keys := self.keys(version, last, size):
            last = keys[-1]
            yield self._rows(self._all().filter(pk__in=keys, **self._at(version)))

    def locked(self, keys: Sequence[Any], version: str, *, is_chosen: bool = True) -> list[Row]:
        """
        Return those of the rows that are ours and have this version; nobody can change them.

        With ``is_chosen`` the type's filter still has to match them. Rows that a migration has
        taken on are ours whatever it says: a step may have changed what it asks.
        """
        # The condition is a subquery: PostgreSQL locks no rows behind an outer join.
        mine = (self._mine() if is_chosen else self._ours()).filter(pk__in=keys).values("pk")
        rows = self._all().filter(pk__in=keys, **self._at(version)).filter(pk__in=mine)
        return self._rows(rows.select_for_update())

    def stored(self, keys: Sequence[Any]) -> list[Row]:
        """Return rows as they are now, in a transaction that has written them."""
        # Locking, since on MariaDB a plain read may see what was there before the transaction.
        return self._rows(self._all().filter(pk__in=keys).select_for_update())

    def there(self, keys: Sequence[Any]) -> dict[Any, str]:
        """Return the versions of those of these rows that are there, whoever they belong to."""
        rows = self._all().filter(pk__in=keys).values_list("pk", self.version)
        return {pk: str(version) for pk, version in rows}

    def ours(self, keys: Sequence[Any]) -> set[Any]:
        """Return which of these rows are those of our tenants, whatever the filter says."""
        return set(self._ours().filter(pk__in=keys).values_list("pk", flat=True))

    def outside(self, keys: Sequence[Any], version: str) -> list[Any]:
        """Return which of these rows are ours and of a version, and the filter matches no more."""
        rows = self._ours().filter(pk__in=keys, **self._at(version)).order_by("pk")
        chosen = set(self._mine().filter(pk__in=keys).values_list("pk", flat=True))
        return [pk for pk in rows.values_list("pk", flat=True) if pk not in chosen]

    def write(self, changes: Mapping[Any, Row], before: str, after: str) -> None:
        """
        Write the changed columns of rows, and their new version, if they still have the old one.

        Raises:
            SystemOpsError: one has it no more.
        """
        groups: dict[tuple[str, ...], list[Any]] = {}
        for pk, row in changes.items():
            groups.setdefault(tuple(row), []).append(pk)
        for names, keys in groups.items():
            for some in self._portions(keys, names, changes):
                self._update(some, names, changes, before, after)

    def _update(
        self, keys: list[Any], names: Sequence[str], changes: Mapping[Any, Row], *ends: str
    ) -> None:
        before, after = ends
        values = {name: self._case(name, keys, changes) for name in names}
        rows = self._all().filter(pk__in=keys, **self._at(before))
        written = rows.update(**values, **self._at(after))
        if written != len(keys):
            raise SystemOpsError(
                f"{len(keys) - written} rows of version {before} were changed by somebody else "
                "at the same moment. Nothing of this batch was changed; run it again."
            )

    def _case(self, name: str, keys: Iterable[Any], changes: Mapping[Any, Row]) -> Any:
        field = self.columns.field(name)
        found: Any = Case(
            *(When(pk=pk, then=Value(changes[pk][name], output_field=field)) for pk in keys),
            output_field=field,
        )
        if connections[self.using].features.requires_casted_case_in_updates:
            found = Cast(found, output_field=field)
        return found

    def _portions(
        self, keys: Sequence[Any], names: Sequence[str], changes: Mapping[Any, Row]
    ) -> Iterator[list[Any]]:
        """Yield the keys in portions that one statement can take."""
        fields = ["pk", "pk", *names, self.version]
        most = connections[self.using].ops.bulk_batch_size(fields, list(keys))
        some: list[Any] = []
        size = 0
        for pk in keys:
            weight = sum(_weight(changes[pk][name]) for name in names)
            if some and (len(some) >= most or size + weight > _MOST_BYTES):
                yield some
                some, size = [], 0
            some.append(pk)
            size += weight
        if some:
            yield some

    def _rows(self, rows: "QuerySet[models.Model]") -> list[Row]:
        found: Iterable[Row] = rows.order_by("pk").values(*self.columns.names)
        # psycopg2 gives views of memory, which can be neither copied nor compared later.
        return [
            {name: bytes(one) if isinstance(one, memoryview) else one for name, one in row.items()}
            for row in found
        ]

    def _examples(
        self, rows: "QuerySet[models.Model]", count: int
    ) -> tuple[tuple[str, str | None], ...]:
        found = rows.order_by("pk").values_list("pk", self.version)[:count]
        return tuple((str(pk), None if one is None else str(one)) for pk, one in found)

    def _mine(self) -> "QuerySet[models.Model]":
        return self.registry.kind.rows(self.tenants, using=self.using).order_by()

    def _ours(self) -> "QuerySet[models.Model]":
        return self._unfiltered.rows(self.tenants, using=self.using).order_by()

    def _all(self) -> "QuerySet[models.Model]":
        return QuerySet(self.model, using=self.using).order_by()

    def _at(self, version: str) -> dict[str, Any]:
        return {self.version: self._stored(version)}

    def _stored(self, version: str) -> Any:
        return self.registry.field.to_python(version)


def _weight(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes) else len(repr(value))
