"""
Rows that a migration has taken on, and that the type's filter matches no more.

A filter says with which rows a migration begins. A step may change what it asks, and then the
journal knows where they are: they go on with the others, also when the next run has to do it. Those
of a migration that was finished stay, since somebody may have meant that; they are counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from django_system_ops.services.knowledge.journal import State, past_migrations
from django_system_ops.services.knowledge.table import Strangers, Survey, Table

__all__ = ["strays", "with_strays"]


def strays(
    table: Table, version: str, size: int, state: State = State.UNFINISHED
) -> Iterator[list[Any]]:
    """Yield the keys of such rows that are at a version, up to ``size`` at a time, each once."""
    seen: set[Any] = set()
    for one in past_migrations(table) if table.has_filter else ():
        for number, (_before, after) in enumerate(one.steps if one.state is state else ()):
            images = one.images(number) if after == version else iter(())
            while some := list(islice(images, size)):
                keys = table.outside([table.columns.key(image["pk"]) for image in some], version)
                if fresh := [key for key in keys if key not in seen]:
                    seen.update(fresh)
                    yield fresh


def with_strays(table: Table, survey: Survey, *, size: int, examples: int) -> Survey:
    """Return the survey with such rows, and with so many keys of them."""

    def found(state: State) -> Iterator[Strangers]:
        for version in table.registry.graph.versions:
            keys = [key for some in strays(table, version, size, state) for key in some]
            if keys:
                yield Strangers(version, len(keys), _examples(version, keys[:examples]))

    return replace(
        survey, strays=tuple(found(State.UNFINISHED)), outside=tuple(found(State.FINISHED))
    )


def _examples(version: str, keys: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(key), version) for key in keys)
