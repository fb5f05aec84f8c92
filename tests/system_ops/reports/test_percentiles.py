"""Percentiles: whichever kind of value is ranked, and whatever it is grouped by."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.system_ops.reports.conftest import ALL, BY_AGENT, report, section, talk, values

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("group", "keys"),
    [
        ("agent", ["Ana", None]),
        ("is_solved", [True, False]),
        ("rating", [3, 4]),
        ("tenant", None),
        ("started_at", None),
    ],
)
def test_percentiles_belong_to_their_groups_whatever_these_are(describe, group, keys):
    metrics = {"median": {"p50": "price"}, "slow": {"p90": "waited"}, "talks": {"count": "*"}}
    describe(talks={**BY_AGENT, "group": group, "metrics": metrics})
    for number in (1, 2):
        for _ in range(2):
            talk(
                f"2026-10-0{4 + number} 12:00",
                tenant=f"tenant {number}",
                agent="Ana" if number == 1 else None,
                is_solved=number == 1,
                rating=2 + number,
                price=Decimal(number) / 4,
                waited=timedelta(seconds=number),
            )

    found = section()

    medians, slow = values(found, "median"), values(found, "slow")
    assert sorted(medians.values()) == [0.25, 0.5]
    assert sorted(slow.values()) == [1.0, 2.0]
    if keys:
        assert medians == dict(zip(keys, (0.25, 0.5), strict=True))
        assert slow == dict(zip(keys, (1.0, 2.0), strict=True))


def test_each_filter_has_its_own_percentiles(describe):
    metrics = {
        "every": {"p50": "rating"},
        "good": {"p50": "rating", "filter": {"rating__gte": 3}},
        "best": {"p99": "rating", "filter": {"rating__gte": 3}, "places": 1},
        "nobody": {"p50": "rating", "filter": {"agent__in": []}},
    }
    describe(talks={**BY_AGENT, "metrics": metrics})
    for rating in (1, 2, 3, 5):
        talk(rating=rating)

    found = section()

    expected = {"every": 2.5, "good": 4.0, "best": 5.0, "nobody": None}
    assert found["rows"][0]["values"] == found["totals"]["values"] == expected


def test_percentiles_of_one_field_take_one_statement(describe):
    def statements(*names):
        describe(talks={**ALL, "metrics": {name: {name: "rating"} for name in names}})
        with CaptureQueriesContext(connection) as seen:
            report()
        return len(seen)

    talk(rating=1)

    assert statements("p50", "p90", "p95", "p99") == statements("p50")


def test_groups_that_are_all_shown_are_not_looked_for_beyond_them(describe):
    for number in range(3):
        talk(agent=f"agent {number}")

    def statements(limit):
        describe(talks={**BY_AGENT, "limit": limit})
        with CaptureQueriesContext(connection) as seen:
            report()
        return len(seen)

    assert statements(4) == statements(3) - 1
