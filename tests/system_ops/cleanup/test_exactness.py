"""Django's own delete() is the measure: the same rows remain, whatever the graph."""

from collections import Counter
from itertools import combinations

import pytest
from django.conf import settings as site
from django.db import connection, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.system_ops.cleanup.graphs import (
    NEW,
    OLD,
    contents,
    kind_of,
    run,
    tables,
    undone,
)

ROOTS = 4
few = st.integers(0, ROOTS - 1)
maybe = st.none() | few
links = st.lists(st.tuples(few, few), max_size=4)


@st.composite
def plots(draw):
    """What rows there are, and what points at what: positions in the lists before."""
    children = draw(st.lists(st.tuples(few, maybe, maybe), max_size=5))
    last = st.integers(0, max(0, len(children) - 1))
    leaves = draw(st.lists(last, max_size=5)) if children else []
    last_leaf = st.integers(0, max(0, len(leaves) - 1))
    return {
        "old": draw(st.lists(st.booleans(), min_size=ROOTS, max_size=ROOTS)),
        "above": draw(st.lists(maybe, min_size=ROOTS, max_size=ROOTS)),
        "friends": draw(links),
        "children": children,
        "leaves": leaves,
        "favourites": draw(st.lists(st.tuples(few, last_leaf), max_size=3)) if leaves else [],
        "notes": draw(st.lists(few, max_size=4)),
        "remarks": draw(st.lists(few, max_size=4)),
        "limits": draw(st.lists(st.tuples(last, few), max_size=2)) if children else [],
        "guards": draw(st.lists(last_leaf, max_size=1)) if leaves else [],
    }


def plant(graph, plot):
    roots = [
        graph.Root.objects.create(code=f"c{n}", at=OLD if is_old else NEW)
        for n, is_old in enumerate(plot["old"])
    ]
    for root, above in zip(roots, plot["above"], strict=True):
        if above is not None:
            graph.Root.objects.filter(pk=root.pk).update(above=roots[above])
    for one, other in set(plot["friends"]):
        roots[one].friends.add(roots[other])
    children = [
        graph.Child.objects.create(
            root=roots[root],
            second=None if second is None else roots[second],
            seen_by=None if seen is None else roots[seen],
        )
        for root, second, seen in plot["children"]
    ]
    leaves = [graph.Leaf.objects.create(child=children[n]) for n in plot["leaves"]]
    for root, leaf in plot["favourites"]:
        graph.Root.objects.filter(pk=roots[root].pk).update(favourite=leaves[leaf])
    for n in plot["notes"]:
        graph.BaseNote.objects.create(base=roots[n])
    for n in plot["remarks"]:
        graph.Remark.objects.create(target=roots[n])
    for child, root in plot["limits"]:
        graph.Limit.objects.create(child=children[child], root=roots[root])
    for n in plot["guards"]:
        graph.Guard.objects.create(leaf=leaves[n])
    graph.Sibling.objects.create(code="sibling")


def reference(graph):
    """Return what remains when Django deletes as many of the old rows as it can."""
    old = list(graph.Root.objects.filter(at=OLD).values_list("pk", flat=True))
    for size in range(len(old), -1, -1):
        for some in combinations(old, size):
            with undone():
                try:
                    _, counts = graph.Root.objects.filter(pk__in=some).delete()
                except (models.ProtectedError, models.RestrictedError):
                    continue
                return contents(graph), +Counter(counts)
    raise AssertionError("nothing can always be deleted")


# On a server an example takes seconds, and its rolled back rows are in the way of the next one.
with_database = settings(
    max_examples=40 if site.DATABASE == "sqlite" else 6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def graph(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), tables() as found:
        yield found


@pytest.mark.django_db
@with_database
@given(plot=plots())
def test_same_rows_remain_as_with_djangos_delete(graph, plot):
    with undone():
        plant(graph, plot)
        remains, counts = reference(graph)

        report = run(kind_of(graph.Root))

        assert contents(graph) == remains
        assert report.tally.rows == counts
        assert report.tally.kept == len([row for row in remains["Root"] if OLD in row])
        connection.check_constraints()


@pytest.mark.django_db
@with_database
@given(plot=plots(), batch_size=st.integers(1, 4))
def test_dry_run_says_exactly_what_the_run_then_does(graph, plot, batch_size):
    with undone():
        plant(graph, plot)
        before = contents(graph)

        said = run(kind_of(graph.Root), batch_size=batch_size, dry_run=True)

        assert contents(graph) == before
        done = run(kind_of(graph.Root), batch_size=batch_size)
        assert said.tally.rows == done.tally.rows
        assert said.tally.nulled == done.tally.nulled
        assert (said.tally.kept, said.tally.protected) == (done.tally.kept, done.tally.protected)
        removed = sum(map(len, before.values())) - sum(map(len, contents(graph).values()))
        assert removed == done.rows
