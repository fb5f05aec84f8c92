"""Databases whose clocks are not those of UTC: ``DATABASES[...]["TIME_ZONE"]``."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from tests.system_ops.reports.conftest import BY_DAY, at, section, talk, values
from tests.system_ops.shop.models import Talk, Tenant

# PostgreSQL stores moments, and knows all zones.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.mariadb]


@pytest.fixture
def clocks(settings, monkeypatch):
    """Set the time zones of the database and of the site: `clocks(stored, own)`."""

    def forget():
        for name in ("timezone", "timezone_name"):
            connection.__dict__.pop(name, None)

    def set_zones(stored, own):
        settings.TIME_ZONE = own
        monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", stored)
        forget()

    yield set_zones
    monkeypatch.undo()
    forget()


def test_days_are_those_of_the_site_where_the_database_has_its_clocks_too(clocks, describe):
    clocks("America/Bogota", "America/Bogota")
    describe(talks=BY_DAY)
    bogota = ZoneInfo("America/Bogota")
    for day in ("2026-10-01 02:00", "2026-10-05 02:00", "2026-10-31 23:30", "2026-11-01 00:00"):
        talk(at(day, bogota))

    found = section()

    assert {day: count for day, count in values(found).items() if count} == {
        "2026-10-01": 1,
        "2026-10-05": 1,
        "2026-10-31": 1,
    }
    assert found["totals"]["values"] == {"talks": 3}


@pytest.mark.parametrize("kind", ["day", "week", "quarter"])
@pytest.mark.parametrize(
    ("stored", "own", "change"),
    [
        ("Europe/Madrid", "America/New_York", "2026-10-25T01:00Z"),
        ("Europe/Madrid", "Europe/London", "2026-10-25T01:00Z"),
        ("Asia/Tokyo", "Europe/Madrid", "2026-03-29T01:00Z"),
        # The one an hour after the other, so that before and after they are as far apart.
        ("America/Chicago", "America/New_York", "2026-11-01T07:00Z"),
        ("America/Chicago", "America/New_York", "2026-03-08T08:00Z"),
        # Midnight is there twice.
        ("America/Havana", "America/Havana", "2026-11-01T05:00Z"),
        # Its midnight is in the hour that New York has twice.
        ("America/New_York", "Europe/Moscow", "2026-11-01T06:00Z"),
    ],
)
def test_each_row_is_in_the_bucket_of_its_date(clocks, describe, kind, stored, own, change):
    clocks(stored, own)
    describe(talks={**BY_DAY, "group": kind})
    middle = datetime.fromisoformat(change)
    owner = Tenant.objects.create(name="acme")
    Talk.objects.bulk_create(
        Talk(tenant=owner, started_at=middle + timedelta(minutes=37 * number, seconds=1))
        for number in range(-90, 90)
    )

    found = section(period="2026")

    # What Django reads: of an hour that is there twice, the first.
    moments = Talk.objects.values_list("started_at", flat=True)
    days = [moment.astimezone(ZoneInfo(own)).date() for moment in moments]
    assert {name: count for name, count in values(found).items() if count} == Counter(
        bucket(kind, day) for day in days
    )


def bucket(kind, day):
    if kind == "day":
        return day.isoformat()
    if kind == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return f"{day.year}-Q{(day.month + 2) // 3}"


def test_moments_themselves_are_what_they_were(clocks):
    clocks("America/Bogota", "Europe/Madrid")
    moment = datetime(2026, 10, 5, 3, tzinfo=UTC)

    assert Talk.objects.get(pk=talk(moment).pk).started_at == moment
