"""What foreign keys point at: rows that are there or were made just now, some far more often."""

import math
import random
from array import array
from collections.abc import Container, Sequence
from typing import Any

from django.db import models

from django_system_ops.services.tenants import Tenants, of_tenants

__all__ = ["Parents", "Pool"]

# Of each tenant's rows: enough for any shape, and memory stays flat.
_MOST_NEW = 1_000_000
_MOST_OLD = 10_000


class Pool:
    """Keys of rows; the first in a shuffled order are drawn most often."""

    def __init__(self, keys: "Sequence[Any]" = ()) -> None:
        self.is_new = False
        self._keys: Any = keys

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: Sequence[Any]) -> None:
        """Add rows that were made just now; those before them are no longer drawn from."""
        if not self.is_new:
            self.is_new = True
            self._keys = array("q") if keys and isinstance(keys[0], int) else []
        room = _MOST_NEW - len(self._keys)
        self._keys.extend(keys[:room])

    def draw(self, count: int, chance: random.Random) -> list[Any]:
        """
        Return ``count`` keys by Zipf's law.

        Source: for the exponent 1 the number of draws up to a rank grows with its logarithm, so a
        rank is e to the power of an even share of the logarithm of all.
        """
        keys, size = self._keys, len(self._keys)
        if size == 1:
            return [keys[0]] * count
        span, stride = math.log(size + 1), _stride(size)
        power, even = math.exp, chance.random
        return [keys[(int(power(even() * span)) - 1) * stride % size] for _ in range(count)]

    def without(self, taken: Container[Any]) -> "Pool":
        """Return a pool of the others, in the same order."""
        return Pool([key for key in self._keys if key not in taken])

    def keys(self) -> list[Any]:
        """Return all of them."""
        return list(self._keys)

    def at(self, index: int) -> Any:
        """Return the key at a place."""
        return self._keys[index]


class Parents:
    """The pools of all models, each by tenant; rows that are no tenant's are under None."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._pools: dict[tuple[Any, str, Any], Pool] = {}

    def pool(self, model: type[models.Model], field: str, path: str, tenant: Any) -> Pool:
        """Return the values of ``field`` in rows of a tenant, or of all where ``path`` is ""."""
        key = (model, field, tenant if path else None)
        if key not in self._pools:
            rows = model._base_manager.using(self._using)
            if path:
                rows = rows.filter(of_tenants(model, path, Tenants((str(tenant),), (tenant,))))
            # The newest first: where another field than the key is meant, they are ours.
            found = rows.order_by("-pk").values_list(field, flat=True)[:_MOST_OLD]
            self._pools[key] = Pool(list(found))
        return self._pools[key]

    def any_new(self, paths: dict[Any, str], tenant: Any) -> tuple[Any, Pool | None]:
        """Return a model of which rows were made for the tenant, or for nobody, and its keys."""
        for (model, name, owner), pool in self._pools.items():
            is_key = name == model._meta.pk.attname
            if is_key and pool.is_new and owner in (tenant, None) and paths.get(model) != "pk":
                return model, pool
        return None, None

    def add(self, model: type[models.Model], path: str, tenant: Any, keys: Sequence[Any]) -> None:
        """Take in rows that were made."""
        name = model._meta.pk.attname
        owner = tenant if path else None
        self._pools.setdefault((model, name, owner), Pool()).add(keys)
        for other in [one for one in self._pools if one[0] is model and one[1] != name]:
            del self._pools[other]  # read again when it is asked for


def _stride(size: int) -> int:
    """Return a step that visits every place of ``size``, far from the one before."""
    step = int(size * 0.618) | 1
    while math.gcd(step, size) != 1:
        step += 2
    return step
