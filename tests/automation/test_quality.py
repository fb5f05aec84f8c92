"""What is wrong with the data is noted, and opens no job."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from django_job_automation.adapters import moment_of
from django_job_automation.models import Finding, Job
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, ago, daily
from tests.automation.test_running import plant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """Let the run be of the moment that it judges by, and no backtest."""
    monkeypatch.setattr(timezone, "now", lambda: AS_OF)


def noted(**options) -> set[tuple[str, str]]:
    report = run_automation(started_by="test", as_of=AS_OF, **options)
    assert not report.failed
    rows = Finding.objects.filter(run=report.run, result="NOTED")
    assert sum(len(one.notes) for one in report.rules) == rows.count()
    return set(rows.values_list("rule", "site_key"))


def test_each_fault_is_noted():
    plant("fine", daily(range(20, 10, -1)))
    plant("fast", [*daily(range(20, 10, -1)), (ago(-1), "21")])
    plant("reset", daily([0, 0, 1002, 1001, 1000, 999]))
    plant("new", commissioned_at=ago(1))
    plant("empty", [(ago(1), None)], commissioned_at=ago(1))

    assert noted() == {
        ("clock_error", "fast"),
        ("meter_reset", "reset"),
        ("never_read", "new"),
        ("never_read", "empty"),
    }
    assert not Job.objects.exists()
    reset = Finding.objects.get(rule="meter_reset")
    assert reset.reason == "Its register fell from 1000 to 0 within 4 days."


def test_fault_is_noted_beside_a_job():
    plant("A", [(ago(5), "7"), (ago(-400), "9")])
    plant("B")

    assert noted() == {("clock_error", "A"), ("never_read", "B")}
    assert set(Job.objects.values_list("site__site_id", "job_type")) == {
        ("A", "no_coms"),
        ("B", "no_coms"),
    }


def test_reset_is_no_reset_within_the_tolerance(settings):
    settings.JOB_AUTOMATION = {"ZERO_READS": {"min_increase": 0.5}}
    plant("A", daily(["4.6", "5", "5", "5", "5"]))
    plant("B", daily(["4.4", "5", "5", "5", "5"]))

    assert noted() == {("meter_reset", "B")}


def test_nothing_is_noted_when_nobody_wants_it(settings):
    settings.JOB_AUTOMATION = {"DATA_QUALITY": False}
    plant("A")

    assert noted() == set()


def test_backtest_takes_later_readings_for_none(monkeypatch):
    plant("A", [*daily(range(20, 10, -1)), (ago(-2), "30"), (ago(-4), "31")])
    plant("B", [(ago(4), "5"), (ago(-2), "30")])
    monkeypatch.setattr(timezone, "now", lambda: AS_OF + timedelta(days=7))

    assert noted() == set()
    assert [one.site.site_id for one in Job.objects.all()] == ["B"]


def test_day_is_a_moment():
    assert moment_of(date(2026, 11, 20)) == AS_OF.replace(hour=0)
    assert moment_of(AS_OF) == AS_OF
    assert moment_of(None) is None
