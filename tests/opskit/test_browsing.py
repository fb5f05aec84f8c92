"""A long table is looked through by its key, for as long as a reader waits."""

from typing import Any

import pytest

from django_opskit import browsing
from tests.opskit.models import Keyed

pytestmark = pytest.mark.django_db


def store(count: int, optional: str | None = None) -> list[int]:
    """Store rows, and return their keys, the newest first."""
    begin = Keyed.objects.count()
    rows = [Keyed(key=f"{begin + n}", optional=optional) for n in range(count)]
    Keyed.objects.bulk_create(rows)
    return sorted(Keyed.objects.order_by("-pk").values_list("pk", flat=True)[:count], reverse=True)


class Clock:
    """Shows the moments that it is given, the last one for ever."""

    def __init__(self, *moments: float) -> None:
        self.moments = list(moments)

    def __call__(self) -> float:
        return self.moments.pop(0) if len(self.moments) > 1 else self.moments[0]


def test_upwards_it_stops_in_time_as_well(monkeypatch):
    monkeypatch.setattr(browsing, "_FIRST_STRETCH", 20)
    keys = store(60)
    rows = Keyed.objects.filter(optional="rare")

    page = browsing.look(rows, limit=5, after=keys[-1], budget_seconds=1, clock=Clock(0, 0, 2))

    assert page.is_cut_short
    assert page.rows == []
    assert page.newer == keys[-1] + 20
    assert page.older == keys[-1] + 1


def test_stretches_grow_while_there_is_time(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(browsing, "_FIRST_STRETCH", 4)
    store(300)

    # 4, 32 and 256 rows; 8 in the last; and the bounds.
    with django_assert_num_queries(6):
        page = browsing.look(Keyed.objects.filter(optional="rare"), limit=5, clock=Clock(0))

    assert page == browsing.Page()


def test_empty_table_is_one_empty_page():
    for rows in (Keyed.objects.all(), Keyed.objects.filter(optional="rare")):
        assert browsing.look(rows, limit=5) == browsing.Page()
        assert browsing.look(rows, limit=5, after=7) == browsing.Page()


def test_end_of_the_table_leads_back():
    keys = store(3)

    page = browsing.look(Keyed.objects.all(), limit=5, before=keys[-1])

    assert (page.rows, page.older, page.newer) == ([], None, keys[-1] - 1)


@pytest.mark.parametrize("most", [100, 11])
def test_candidates_give_the_same_pages_few_or_many(monkeypatch, most):
    monkeypatch.setattr(browsing, "_MOST_CANDIDATES", most)
    monkeypatch.setattr(browsing, "_AT_ONCE", 3)
    store(20)
    found = store(12, optional="found")
    store(20, optional="other")
    rows = Keyed.objects.filter(optional="found")

    def look(**place: Any) -> tuple[list[int], int | None, int | None]:
        page = browsing.look(rows, limit=5, candidates=rows.order_by(), **place)
        return [row.pk for row in page.rows], page.older, page.newer

    assert look() == (found[:5], found[4], None)
    assert look(before=found[4]) == (found[5:10], found[9], found[5])
    assert look(before=found[9]) == (found[10:], None, found[10])
    assert look(after=found[10]) == (found[5:10], found[9], found[5])
    assert look(after=found[3]) == (found[:5], found[4], None)
