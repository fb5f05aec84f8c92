"""The period before beside a period: what goes with what, and how it has changed."""

from datetime import timedelta
from decimal import Decimal

import pytest

from django_system_ops.services.reports.comparing import beside
from tests.system_ops.reports.conftest import ALL, BY_AGENT, BY_DAY, report, section, talk, values

pytestmark = pytest.mark.django_db


def test_compare_puts_the_period_before_beside(describe):
    describe(talks=BY_AGENT)
    for day, agent in [
        ("2026-10-05", "Ana"),
        ("2026-10-06", "Ana"),
        ("2026-10-06", "New"),
        ("2026-09-30", "Ana"),
        ("2026-09-01", "Gone"),
        ("2026-08-31", "Ana"),
    ]:
        talk(f"{day} 12:00", agent=agent)

    found = report(compare=True)

    assert found["previous"]["name"] == "2026-09"
    rows = {
        row["key"]: (row["values"], row["previous"], row["change"])
        for row in found["sections"][0]["rows"]
    }
    assert rows == {
        "Ana": ({"talks": 2}, {"talks": 1}, {"talks": {"absolute": 1, "percent": 100.0}}),
        "New": ({"talks": 1}, {"talks": 0}, {"talks": {"absolute": 1, "percent": None}}),
        "Gone": ({"talks": 0}, {"talks": 1}, {"talks": {"absolute": -1, "percent": -100.0}}),
    }
    assert found["sections"][0]["totals"]["previous"] == {"talks": 2}


def test_compare_with_a_limit_counts_all_others_together(describe):
    describe(talks={**BY_AGENT, "limit": 1})
    for day, agent in [("2026-10-05", "A"), ("2026-09-05", "B"), ("2026-09-06", "A")]:
        talk(f"{day} 12:00", agent=agent)

    found = section(compare=True)

    assert values(found) == {"A": 1}
    assert (found["other"]["values"], found["other"]["previous"]) == ({"talks": 0}, {"talks": 1})


def test_days_are_compared_by_their_place(describe):
    describe(talks=BY_DAY)
    talk("2026-03-31 12:00")
    talk("2026-03-02 12:00")
    talk("2026-02-02 12:00")

    rows = section(period="2026-03", compare=True)["rows"]

    assert (rows[1]["values"], rows[1]["previous"]) == ({"talks": 1}, {"talks": 1})
    # February has no 31st.
    assert rows[30]["previous"] == {"talks": None}
    assert rows[30]["change"] == {"talks": {"absolute": None, "percent": None}}


@pytest.mark.parametrize(
    ("group", "period", "days", "extra"),
    [
        ("day", "2026-02", ["2026-02-28", "2026-01-28", "2026-01-30", "2026-01-31"],
         {"2026-01-29": "January 29", "2026-01-30": "January 30", "2026-01-31": "January 31"}),
        ("day", "2026-Q1", ["2026-01-01", "2025-12-30"],
         {"2025-12-30": "12/30/2025", "2025-12-31": "12/31/2025"}),
        ("week", "2021", ["2021-05-05", "2020-12-31"], {}),
        ("month", "2026", ["2026-05-05", "2025-12-31"], {}),
    ],
)  # fmt: skip
def test_days_that_only_the_period_before_has_are_rows_too(describe, group, period, days, extra):
    describe(talks={**BY_DAY, "group": group})
    for day in days:
        talk(f"{day} 12:00")

    found = section(period=period, compare=True)

    rows = found["rows"]
    beyond = [row for row in rows if row.get("only_previous")]
    assert {row["key"]: row["label"] for row in beyond} == extra
    assert rows[len(rows) - len(beyond) :] == beyond
    assert {row["values"]["talks"] for row in beyond} <= {None}
    assert {row["change"]["talks"]["absolute"] for row in beyond} <= {None}
    before = sum(row["previous"]["talks"] or 0 for row in rows)
    assert before == found["totals"]["previous"]["talks"] == len(days) - 1


@pytest.mark.parametrize(
    ("places", "shown", "absolute"), [(0, (2, 2), 1), (1, (2.3, 1.7), 0.7), (2, (2.33, 1.67), 0.67)]
)
def test_change_is_that_of_the_exact_figures(describe, places, shown, absolute):
    describe(talks={**ALL, "metrics": {"mean": {"avg": "rating", "places": places}}})
    for month, ratings in [("2026-10", (1, 4, 2)), ("2026-09", (1, 2, 2))]:
        for rating in ratings:
            talk(f"{month}-05 12:00", rating=rating)

    totals = section(compare=True)["totals"]

    assert (totals["values"]["mean"], totals["previous"]["mean"]) == shown
    assert totals["change"]["mean"] == {"absolute": absolute, "percent": 40.0}


def test_change_of_ratios_money_and_durations(describe):
    metrics = {
        "rated": {"count": "rating"},
        "talks": {"count": "*"},
        "share": {"ratio": ["rated", "talks"], "places": 0, "unit": "%"},
        "paid": {"sum": "price", "places": 0},
        "waited": {"avg": "waited", "places": 0},
    }
    describe(talks={**ALL, "metrics": metrics})
    for month, count, cents in [("2026-10", 3, "0.60"), ("2026-09", 2, "0.75")]:
        for number in range(count):
            talk(f"{month}-05 12:00", rating=None if number else 1, price=Decimal(cents),
                 waited=timedelta(milliseconds=100 * count))  # fmt: skip

    change = section(compare=True)["totals"]["change"]

    assert change["share"] == {"absolute": -17, "percent": -33.3}
    assert change["paid"] == {"absolute": 0, "percent": 20.0}
    assert change["waited"] == {"absolute": 0, "percent": 50.0}


def test_change_from_a_trace_of_nothing_has_no_percentage():
    found = beside({"sum": 2.0}, {"sum": 0.1 + 0.2 - 0.3}, {"sum": 2})

    assert found["previous"] == {"sum": 0.0}
    assert found["change"] == {"sum": {"absolute": 2.0, "percent": None}}
