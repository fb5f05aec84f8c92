"""The columns of a model, made a batch at a time from pools."""

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import models

from django_opskit.batches import batches
from django_system_ops.services.test_data.parents import Parents, Pool
from django_system_ops.services.test_data.rules import Rules
from django_system_ops.services.test_data.values import POOL, Maker, NoValueError
from django_system_ops.services.test_data.writing import Writer

__all__ = ["FILE_PREFIX", "Batch", "Columns", "written_fields"]

#: Where files of made-up rows are; no other is removed with them.
FILE_PREFIX = "opskit-test-data/"

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Batch:
    """
    Some rows of one tenant.

    Attributes:
        count: how many.
        tenant: the key of their tenant; None where they are nobody's.
        serial: the number of the first among all rows that were ever made of the model.
        index: the number of the first among this run's of the tenant.
        chance: the batch's own.
    """

    def __init__(
        self, count: int, tenant: Any, serial: int, index: int, chance: random.Random
    ) -> None:
        self.count = count
        self.tenant = tenant
        self.serial = serial
        self.index = index
        self.chance = chance


_Column = Callable[[Batch], Sequence[Any]]


def written_fields(model: type[models.Model]) -> list[Any]:
    """Return the fields whose columns are written: not a key that counts, nor what is computed."""
    return [
        one
        for one in model._meta.local_concrete_fields
        if not isinstance(one, models.AutoField) and not getattr(one, "generated", False)
    ]


class Columns:
    """Makes the columns of one model; ``size`` is how many rows there will be."""

    def __init__(
        self,
        model: type[models.Model],
        rules: Rules,
        maker: Maker,
        writer: Writer,
        parents: Parents,
        *,
        paths: dict[type[models.Model], str],
        values: dict[str, Sequence[Any]],
        nulls: float,
        size: int,
        using: str,
    ) -> None:
        self._model, self._rules, self._maker, self._writer = model, rules, maker, writer
        self._parents, self._paths, self._values = parents, paths, values
        self._nulls, self._size, self._using = nulls, size, using
        self._fields = {one.name: one for one in writer.fields}
        self._unused: dict[tuple[str, Any], Pool] = {}
        self._sorted: dict[str, list[Any]] = {}
        self._picked: dict[str, list[int]] = {}
        self._paired = {name: (names, at) for names in rules.pairs for at, name in enumerate(names)}
        self._generic = self._generic_fields()
        order = sorted(self._fields, key=lambda name: name in rules.after)
        self._columns = {name: self._column(self._fields[name]) for name in order}

    def make(self, batch: Batch) -> list[Sequence[Any]]:
        """Return the columns of a batch, in the order of the writer's fields."""
        found = {name: column(batch) for name, column in self._columns.items()}
        return [found[name] for name in self._fields]

    def _column(self, field: Any) -> _Column:
        name = field.name
        given = self._values.get(f"{self._model._meta.label}.{name}")
        if given is not None:
            return self._drawn(field, list(given))
        ordered = {*self._rules.after, *self._rules.after.values()}
        for fits, make in (
            (name in self._generic, self._generic_column),
            (name in self._paired, self._paired_column),
            (isinstance(field, models.ForeignKey), self._key_column),
            (name in self._rules.unique, self._counted),
            (name in ordered, self._ordered),
        ):
            if fits:
                return make(field)
        if isinstance(field, models.FileField):
            return self._drawn(field, [_file_name(field)])
        return self._drawn(field, self._maker.pool(field, self._size))

    def _drawn(self, field: Any, values: list[Any]) -> _Column:
        """Draw from a pool, each value of which is rendered once."""
        pool = self._rendered(field, values)
        if field.null and None not in values:
            # As many NULLs as are wanted, among the values: one draw for both.
            none = self._writer.render(field)(None)
            pool = pool * max(1, POOL // len(pool))
            pool = [*pool, *[none] * round(len(pool) * self._nulls / (1 - self._nulls))]
        return lambda batch: batch.chance.choices(pool, k=batch.count)

    def _rendered(self, field: Any, values: Sequence[Any]) -> list[Any]:
        render = self._writer.render(field)
        return [render(value) for value in values]

    def _ordered(self, field: Any) -> _Column:
        """Draw by places in one sorted pool, so that what comes later has the later place."""
        name = field.name
        first = self._rules.after.get(name, name)
        if first not in self._sorted:
            self._sorted[first] = self._maker.pool(self._fields[first], POOL)
        pool = self._rendered(field, self._sorted[first])
        none = self._writer.render(field)(None) if field.null else None

        def column(batch: Batch) -> Sequence[Any]:
            places = batch.chance.choices(range(len(pool)), k=batch.count)
            if first != name and first in self._picked:
                # Most things end soon after they began.
                before = self._picked[first]
                last = len(pool) - 1
                places = [
                    min(last, at + place % 8 + 1) for at, place in zip(before, places, strict=True)
                ]
            self._picked[name] = places
            found = [pool[place] for place in places]
            if field.null and self._nulls:
                chance, nulls = batch.chance.random, self._nulls
                found = [none if chance() < nulls else one for one in found]
            return found

        return column

    def _pool_of(self, field: Any, batch: Batch) -> Pool:
        target = field.target_field
        model = target.model
        path = self._paths.get(model, "")
        pool = self._parents.pool(model, target.attname, path, batch.tenant)
        return self._free(field, batch.tenant, pool) if field.unique and not pool.is_new else pool

    def _free(self, field: Any, tenant: Any, pool: Pool) -> Pool:
        """Return those at which no row points yet, as it was before the first was made."""
        place = (field.name, tenant)
        if place not in self._unused:
            rows = self._model._base_manager.using(self._using).order_by()
            taken: set[Any] = set()
            for part in batches(pool.keys(), POOL):
                pointing = rows.filter(**{f"{field.attname}__in": part})
                taken.update(pointing.values_list(field.attname, flat=True))
            self._unused[place] = pool.without(taken)
        return self._unused[place]

    def _key_column(self, field: Any) -> _Column:
        """Point at rows of the same tenant, or at those that are nobody's."""
        to_text = self._key_renderer(field)
        none = self._writer.render(field)(None) if field.null else None
        is_tenant = self._paths.get(field.related_model) == "pk"
        is_unique = field.unique
        is_self = field.related_model is self._model

        def column(batch: Batch) -> Sequence[Any]:
            if is_tenant and batch.tenant is not None:
                return to_text([batch.tenant]) * batch.count
            pool = self._pool_of(field, batch)
            if field.null and (is_self or not len(pool)):
                return [none] * batch.count
            if is_unique:
                # Only where it may be empty there can be more rows than keys.
                last = min(len(pool), batch.index + batch.count)
                keys = to_text([pool.at(place) for place in range(batch.index, last)])
                return [*keys, *[none] * (batch.count - len(keys))]
            found = to_text(pool.draw(batch.count, batch.chance))
            if field.null and self._nulls:
                chance, nulls = batch.chance.random, self._nulls
                found = [none if chance() < nulls else one for one in found]
            return found

        return column

    def _key_renderer(self, field: Any) -> Callable[[list[Any]], list[Any]]:
        render = self._writer.render(field)
        known: dict[Any, Any] = {}

        def to_text(keys: list[Any]) -> list[Any]:
            if keys and isinstance(keys[0], int) and isinstance(render(keys[0]), bytes):
                return list(map(b"%d".__mod__, keys))
            if len(known) > POOL:
                known.clear()
            for key in set(keys) - known.keys():
                known[key] = render(key)
            return [known[key] for key in keys]

        return to_text

    def _counted(self, field: Any) -> _Column:
        """Make what differs from row to row of the row's number."""
        render = self._writer.render(field)
        make = self._counter(field)
        return lambda batch: [
            render(make(batch.serial + place, batch.chance)) for place in range(batch.count)
        ]

    def _counter(self, field: Any) -> Callable[[int, random.Random], Any]:
        for kinds, make in _COUNTED:
            if isinstance(field, kinds):
                return partial(make, field)
        if isinstance(field, models.IntegerField | models.DecimalField | models.FloatField):
            rows = self._model._base_manager.using(self._using)
            highest = rows.aggregate(highest=models.Max(field.name))["highest"] or 0
            counted = count(int(highest) + 1)
            return lambda _number, _chance: next(counted)
        if isinstance(field, models.DateField):
            newest = self._maker.pool(field, 1)[0]
            return lambda number, _chance: newest - timedelta(days=number)
        name = f"{self._model._meta.label}.{field.name}"
        raise NoValueError(
            f"{name} has to differ from row to row, and nobody knows how to count by its kind; "
            f"name values in MANAGEMENT_COMMANDS['test_data']['values'][{name!r}]."
        )

    def _paired_column(self, field: Any) -> _Column:
        """Go through all pairs, so that none comes twice."""
        names, at = self._paired[field.name]
        others = [self._fields[name] for name in names]
        is_key = isinstance(field, models.ForeignKey)
        values = None if is_key else self._rendered(field, self._maker.pool(field, POOL))
        to_text = self._key_renderer(field) if is_key else list
        render = self._writer.render(field)

        def column(batch: Batch) -> Sequence[Any]:
            sizes = [self.domain(one, batch) for one in others]
            step = 1
            for size in sizes[:at]:
                step *= size
            places = [(batch.index + place) // step % sizes[at] for place in range(batch.count)]
            if values is not None:
                return [values[place] for place in places]
            if self._paths.get(field.related_model) == "pk" and batch.tenant is not None:
                return to_text([batch.tenant]) * batch.count
            pool = self._pool_of(field, batch)
            if not len(pool) and field.null:
                return [render(None)] * batch.count  # which differs from every other NULL
            return to_text([pool.at(place) for place in places])

        return column

    def has_parents(self, batch: Batch) -> bool:
        """Return whether there is a row for each key that may not be empty."""
        return all(
            len(self._pool_of(one, batch))
            for one in self._fields.values()
            if isinstance(one, models.ForeignKey)
            and not one.null
            and one.name not in self._generic
            and f"{self._model._meta.label}.{one.name}" not in self._values
            and not (self._paths.get(one.related_model) == "pk" and batch.tenant is not None)
        )

    def domain(self, field: Any, batch: Batch) -> int:
        """Return how many values a field of a pair can have in a batch."""
        if isinstance(field, models.ForeignKey):
            if self._paths.get(field.related_model) == "pk" and batch.tenant is not None:
                return 1
            return max(1, len(self._pool_of(field, batch)))
        return len(self._maker.pool(field, POOL))

    def most(self, batch: Batch) -> int | None:
        """Return how many rows a tenant can have at most; None for any number."""
        found: list[int] = []
        for names in self._rules.pairs:
            size = 1
            for name in names:
                size *= self.domain(self._fields[name], batch)
            found.append(size)
        found += [
            len(self._pool_of(one, batch))
            for one in self._fields.values()
            if isinstance(one, models.ForeignKey) and one.unique and not one.null
        ]
        return min(found) if found else None

    def _generic_fields(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in self._model._meta.private_fields:
            if isinstance(one, GenericForeignKey):
                found |= {one.ct_field: one, one.fk_field: one}
        return found

    def _generic_column(self, field: Any) -> _Column:
        """Point at rows that this run has made before, else at the site's kinds of rows."""
        is_type = isinstance(field, models.ForeignKey)
        render = self._writer.render(field)

        def column(batch: Batch) -> Sequence[Any]:
            target, pool = self._parents.any_new(self._paths, batch.tenant)
            model = target or ContentType
            if is_type:
                manager = ContentType.objects.db_manager(self._using)
                return [render(manager.get_for_model(model).pk)] * batch.count
            if pool is None:
                pool = self._parents.pool(ContentType, "id", "", None)
            return [render(key) for key in pool.draw(batch.count, batch.chance)]

        return column


def _counted_text(field: Any, number: int, _chance: random.Random) -> str:
    if field.max_length is not None and field.max_length < 12:
        return _in_base_36(number)[-field.max_length :]
    return f"test-{number:06}"


def _in_base_36(number: int) -> str:
    found = ""
    while number or not found:
        number, digit = divmod(number, 36)
        found = _DIGITS[digit] + found
    return found


# The more particular kinds come first.
_COUNTED: tuple[tuple[Any, Callable[[Any, int, random.Random], Any]], ...] = (
    (models.UUIDField, lambda _f, _n, chance: uuid.UUID(int=chance.getrandbits(128), version=4)),
    (models.EmailField, lambda _f, number, _chance: f"test{number}@example.com"),
    (models.URLField, lambda _f, number, _chance: f"https://example.com/{number}"),
    (models.CharField, _counted_text),
    (models.TextField, _counted_text),
)


def _file_name(field: models.FileField) -> str:
    """Return nothing where that is allowed, else one small file for all rows."""
    if field.blank:
        return ""
    name = f"{FILE_PREFIX}{field.model._meta.label_lower}.{field.name}.txt"
    if not field.storage.exists(name):
        return str(field.storage.save(name, ContentFile(b"made up\n")))
    return name
