"""What is counted: whose rows, in which days, by what."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from django_system_ops.engine.periods import Period, start_of
from tests.system_ops.reports.conftest import (
    ALL,
    BY_AGENT,
    BY_DAY,
    MADRID,
    at,
    report,
    run,
    section,
    talk,
    talks,
    values,
)
from tests.system_ops.shop.models import Tag, Talk, Tenant

pytestmark = pytest.mark.django_db

FIGURES = {
    "talks": {"count": "*"},
    "rated": {"count": "rating"},
    "agents": {"count_distinct": "agent"},
    "sum": {"sum": "rating"},
    "mean": {"avg": "rating"},
    "worst": {"min": "rating"},
    "best": {"max": "rating"},
    "median": {"p50": "rating"},
    "slow": {"p95": "rating"},
}


def test_each_aggregate_of_the_settings(describe):
    describe(talks={**ALL, "metrics": FIGURES})
    for rating, agent in [(1, "Ana"), (2, "Ana"), (4, "Bea"), (10, "ana"), (None, None)]:
        talk(rating=rating, agent=agent)

    assert section()["totals"]["values"] == {
        "talks": 5,
        "rated": 4,
        "agents": 3,
        "sum": 17,
        "mean": 4.25,
        "worst": 1,
        "best": 10,
        "median": 3.0,
        "slow": 9.1,
    }


def test_durations_are_seconds_and_money_has_its_cents(describe):
    metrics = {
        "paid": {"sum": "price"},
        "middle": {"p50": "price"},
        "waited": {"avg": "waited"},
        "total": {"sum": "waited"},
        "slow": {"p90": "waited"},
        "longest": {"max": "waited", "unit": "sec", "places": 0},
    }
    describe(talks={**ALL, "metrics": metrics})
    for cents, seconds in [("0.10", 1), ("0.20", 2), ("0.30", 6)]:
        talk(price=Decimal(cents), waited=timedelta(seconds=seconds))

    found = section()

    assert found["totals"]["values"] == {
        "paid": 0.6,
        "middle": 0.2,
        "waited": 3.0,
        "total": 9.0,
        "slow": 5.2,
        "longest": 6,
    }
    assert [one["unit"] for one in found["columns"]] == ["", "", "s", "s", "s", "sec"]


def test_ratios_are_of_filtered_metrics_and_nothing_is_divided_by_zero(describe):
    metrics = {
        "rated": {"count": "rating"},
        "good": {"count": "*", "filter": {"rating__gte": 4}},
        "share": {"ratio": ["good", "rated"], "unit": "%"},
        "each": {"ratio": ["good", "rated"], "places": 3},
    }
    describe(talks={**BY_AGENT, "metrics": metrics})
    for agent, rating in [("Ana", 5), ("Ana", 4), ("Ana", 1), ("Bea", None)]:
        talk(agent=agent, rating=rating)

    found = section()

    assert values(found, "share") == {"Ana": 66.67, "Bea": None}
    assert values(found, "each") == {"Ana": 0.667, "Bea": None}


def test_bounds_are_midnights_of_the_sites_time_zone(describe):
    describe(talks=ALL)
    talk(at("2026-10-01 00:00"))
    talk(at("2026-10-31 23:59:59.999999"))
    talk(at("2026-09-30 23:59:59.999999"))
    talk(at("2026-11-01 00:00"))

    found = report()

    assert found["period"] == {
        "name": "2026-10",
        "kind": "month",
        "first_day": "2026-10-01",
        "last_day": "2026-10-31",
        "starts_at": "2026-10-01T00:00:00+02:00",
        "ends_at": "2026-11-01T00:00:00+01:00",
        "is_over": True,
    }
    assert found["sections"][0]["totals"]["values"] == {"talks": 2}


@pytest.mark.parametrize(
    ("zone", "day", "moments"),
    [
        # 25 hours, in which it is half past two twice; and 23.
        ("Europe/Madrid", "2026-10-25", ["2026-10-24T22:00Z", "2026-10-25T00:30Z",
                                         "2026-10-25T01:30Z", "2026-10-25T22:59Z"]),
        ("Europe/Madrid", "2026-03-29", ["2026-03-28T23:00Z", "2026-03-29T01:00Z",
                                         "2026-03-29T21:59Z"]),
        ("America/New_York", "2026-11-01", ["2026-11-01T04:00Z", "2026-11-02T04:59Z"]),
        ("America/New_York", "2026-03-08", ["2026-03-08T05:00Z", "2026-03-09T03:59Z"]),
    ],
)  # fmt: skip
def test_days_are_those_of_the_clocks_when_they_change(describe, settings, zone, day, moments):
    settings.TIME_ZONE = zone
    describe(talks=BY_DAY)
    for moment in moments:
        talk(utc(moment))
    talk(utc(moments[0]) - timedelta(seconds=1))
    talk(utc(moments[-1]) + timedelta(minutes=1))

    month = values(section(period=day[:7]))

    assert month[day] == len(moments)
    assert sum(month.values()) in (len(moments) + 1, len(moments) + 2)
    assert values(section(period=day)) == {day: len(moments)}


def utc(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("week", {"2026-W40": 1, "2026-W41": 2, "2026-W42": 0}),
        ("month", {"2026-10": 3}),
        ("quarter", {"2026-Q4": 3}),
        ("year", {"2026": 3}),
    ],
)
@pytest.mark.parametrize("field", ["started_at", "day"])
def test_rows_are_grouped_by_parts_of_the_calendar(describe, group, expected, field):
    describe(talks={**BY_DAY, "group": group, "date_field": field})
    for day in ("2026-10-04", "2026-10-05", "2026-10-11"):
        talk(f"{day} 23:30")

    found = section(period="2026-10-02..2026-10-12")

    assert values(found) == expected


def test_last_moment_of_a_day_is_of_that_day(describe):
    describe(talks=BY_DAY)
    talk("2026-10-05 23:59:59.999999")
    talk("2026-10-06 00:00:00.000001")

    found = section(period="2026-10-05..2026-10-06")

    assert values(found) == {"2026-10-05": 1, "2026-10-06": 1}


@given(hours=st.lists(st.floats(0, 365 * 24), max_size=15))
@settings_of_hypothesis(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_each_row_is_in_the_bucket_of_its_date(describe, hours):
    Talk.objects.all().delete()
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=one) for one in hours]
    for moment in moments:
        talk(moment)
    days = [moment.astimezone(MADRID).date() for moment in moments]

    for kind in ("day", "week", "month", "quarter"):
        describe(talks={**BY_DAY, "group": kind})
        found = values(section(period="2026"))

        expected = Counter(
            Period(kind, start_of(kind, day), day).name for day in days if day.year == 2026
        )
        assert {name: count for name, count in found.items() if count} == expected


def test_days_without_rows_are_there_too(describe):
    describe(talks={**BY_DAY, "metrics": {"talks": {"count": "*"}, "mean": {"avg": "rating"}}})
    talk("2026-10-02 12:00", rating=3)

    found = section(period="2026-10-01..2026-10-03")

    assert values(found) == {"2026-10-01": 0, "2026-10-02": 1, "2026-10-03": 0}
    assert values(found, "mean") == {"2026-10-01": None, "2026-10-02": 3.0, "2026-10-03": None}


def test_plain_dates_know_no_time_zone(describe, settings):
    settings.TIME_ZONE = "Pacific/Kiritimati"
    describe(talks={**BY_DAY, "date_field": "day"})
    for day in ("2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01"):
        talk("2026-06-01 12:00", day=day)

    found = values(section())

    assert {day: count for day, count in found.items() if count} == {
        "2026-10-01": 1,
        "2026-10-31": 1,
    }


def test_groups_beyond_the_limit_are_one(describe):
    metrics = {"talks": {"count": "*"}, "mean": {"avg": "rating"}, "median": {"p50": "rating"}}
    describe(talks={**BY_AGENT, "limit": 2, "metrics": metrics})
    for agent, count, rating in [("A", 3, 1), ("B", 2, 2), ("C", 1, 5), (None, 1, 3)]:
        talks(count, agent=agent, rating=rating)

    found = section()

    assert values(found) == {"A": 3, "B": 2}
    assert found["other"] == {"groups": 2, "values": {"talks": 2, "mean": 4.0, "median": 4.0}}
    assert found["totals"]["values"] == {"talks": 7, "mean": 2.14, "median": 2.0}


def test_very_many_groups_are_one_more_row(describe):
    describe(talks={**BY_AGENT, "limit": 3})
    owner = Tenant.objects.create(name="acme")
    Talk.objects.bulk_create(
        Talk(tenant=owner, agent=f"agent {number}", started_at=at("2026-10-05 12:00"))
        for number in range(3000)
    )

    found = section()

    assert len(found["rows"]) == 3
    assert found["other"] == {"groups": 2997, "values": {"talks": 2997}}


def test_groups_that_differ_in_case_accents_or_blanks_are_different(describe):
    metrics = {"talks": {"count": "*"}, "median": {"p50": "rating"}}
    describe(talks={**BY_AGENT, "metrics": metrics})
    names = ["Ana", "ana", "Aná", "Ana ", "", "=Ana"]
    for rating, name in enumerate(names):
        talk(agent=name, rating=rating)

    found = section(compare=True)

    assert values(found, "median") == {name: float(rating) for rating, name in enumerate(names)}


def test_groups_may_be_fields_of_what_a_row_points_at_choices_and_truths(describe):
    describe(
        tenants={**BY_AGENT, "group": "tenant__name"},
        channels={**BY_AGENT, "group": "channel", "labels": {"web": "The web"}},
        solved={**BY_AGENT, "group": "is_solved"},
    )
    talk(is_solved=True)
    talk(tenant="globex", channel="web")

    found = report()["sections"]

    labels = [{row["key"]: row["label"] for row in one["rows"]} for one in found]
    assert labels == [
        {"acme": "acme", "globex": "globex"},
        {"wa": "WhatsApp", "web": "The web"},
        {False: "No", True: "Yes"},
    ]


def test_rows_that_a_filter_finds_twice_are_counted_once(describe):
    describe(talks={**ALL, "filter": {"tags__name__startswith": "t"}})
    one = talk()
    one.tags.set([Tag.objects.create(name="t1"), Tag.objects.create(name="t2")])
    talk()

    assert section()["totals"]["values"] == {"talks": 1}


def test_period_without_rows_is_still_a_report(describe):
    describe(talks={**BY_AGENT, "metrics": FIGURES}, days=BY_DAY)

    said = run(period="2026-10", format="html,md,json,csv")

    assert said["status"] == 0
    assert said["reports"][0]["has_data"] is False
    assert len(said["reports"][0]["files"]) == 4


def test_number_of_statements_does_not_grow_with_rows(describe):
    describe(
        talks={**BY_AGENT, "metrics": FIGURES, "limit": 5}, days={**BY_DAY, "metrics": FIGURES}
    )

    def statements():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            report(compare=True)
        return len(seen)

    for number in range(10):
        talks(1, agent=f"agent {number}", rating=number)
    few = statements()
    for number in range(60):
        talks(10, agent=f"agent {number}", rating=number)

    assert statements() == few


def test_tenants_own_report_leaves_out_what_is_shared(describe):
    events = {"model": "shop.Event", "shared": True, "date_field": "created_at"}
    describe(talks=ALL, events={**events, "metrics": {"events": {"count": "*"}}})
    talk()
    talk(tenant="globex")

    mine, everybodys = report(tenant="acme"), report(tenant="all")

    assert [one["name"] for one in mine["sections"]] == ["talks"]
    assert (mine["left_out"], mine["tenant"]) == (["events"], "acme")
    assert mine["sections"][0]["totals"]["values"] == {"talks": 1}
    assert [one["name"] for one in everybodys["sections"]] == ["talks", "events"]
    assert everybodys["sections"][0]["totals"]["values"] == {"talks": 2}


ROWS = st.lists(
    st.tuples(st.sampled_from(["acme", "globex"]), st.sampled_from(["A", "a", None]),
              st.integers(-50, 50)),
    max_size=12,
)  # fmt: skip


@settings_of_hypothesis(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS)
def test_one_tenants_figures_are_those_of_its_rows_alone(describe_once, rows):
    Talk.objects.all().delete()
    for tenant in ("acme", "globex"):
        Tenant.objects.get_or_create(name=tenant)
    for tenant, agent, rating in rows:
        talk(tenant=tenant, agent=agent, rating=rating)

    found = section(tenant="acme")

    mine = {}
    for tenant, agent, rating in rows:
        if tenant == "acme":
            mine.setdefault(agent, []).append(rating)
    assert values(found) == {agent: len(ratings) for agent, ratings in mine.items()}
    assert values(found, "sum") == {agent: sum(ratings) for agent, ratings in mine.items()}
    for name, percent in (("median", 50), ("slow", 95)):
        expected = {agent: interpolated(ratings, percent) for agent, ratings in mine.items()}
        assert values(found, name) == pytest.approx(expected, abs=0.011)


@pytest.fixture
def describe_once(describe):
    describe(talks={**BY_AGENT, "metrics": FIGURES})


def interpolated(ratings, percent):
    ordered = sorted(ratings)
    place = (len(ordered) - 1) * percent / 100
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))
