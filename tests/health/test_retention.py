"""Old rows go, the figures stay."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_health_check_job.models import Check, HeathCheckJob, MonitorRound, Rollup, StateChange
from django_health_check_job.services import retention
from tests.health.making import Site, seconds

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows(settings):
    settings.PERSIST_HEALTH_CHECK_DATA = True
    site, now = Site(), timezone.now()
    for days in (40, 35, 1, 0):
        site.record(now - seconds(days * 86_400), A="UP", B="UP")
        HeathCheckJob.objects.filter(checked_at=now - seconds(days * 86_400)).update(
            created_at=now - seconds(days * 86_400)
        )


def cleanup(*args, **options):
    output = io.StringIO()
    call_command("monitor_cleanup", *args, json=True, stdout=output, **options)
    return json.loads(output.getvalue())


def test_results_go_after_their_time_and_figures_stay(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)

    report = cleanup()

    assert (report["results"], report["rounds"], report["hourly"]) == (4, 2, 0)
    assert HeathCheckJob.objects.count() == 4
    assert MonitorRound.objects.count() == 2
    assert Rollup.objects.filter(span="D").count() == 8
    assert cleanup()["results"] == 0


def test_dry_run_deletes_nothing():
    report = cleanup(dry_run=True)

    assert (report["results"], report["dry_run"]) == (4, True)
    assert HeathCheckJob.objects.count() == 8


def test_wrong_clock_of_a_sender_takes_no_younger_row_along():
    now = timezone.now()
    check = Check.objects.get(name="A")

    def change(days):
        at = now - seconds(days * 86_400 + StateChange.objects.count())
        return StateChange.objects.create(
            check_row=check, old="UP", new="DOWN", at=at, announced_at=now
        ).pk

    StateChange.objects.all().delete()
    # Its clock stood in another century while those of the others went on.
    keys = {days: [change(days) for _ in range(3)] for days in (9_000, 2, 20_000, 1)}

    cleanup()

    left = set(StateChange.objects.values_list("pk", flat=True))
    assert left >= {*keys[2], *keys[1]}
    assert not left & set(keys[9_000])


def test_days_take_the_place_of_the_setting():
    assert cleanup("--days", "0.5")["results"] == 6


def test_it_says_what_it_did():
    output = io.StringIO()
    call_command("monitor_cleanup", stdout=output)
    call_command("monitor_cleanup", stdout=output)

    assert (
        output.getvalue()
        == "4 results deleted\n2 rounds deleted\nNothing is older than its time.\n"
    )


@pytest.mark.parametrize("days", ["-1", "x", "nan"])
def test_wrong_days_are_wrong_usage(days):
    with pytest.raises(CommandError, match="not a number of days"):
        call_command("monitor_cleanup", "--days", days)
