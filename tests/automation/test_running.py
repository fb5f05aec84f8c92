"""Runs: one at a time, whole or not at all, and remembered."""

import json
from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_job_automation.exceptions import RunLockedError, UnknownSiteError
from django_job_automation.models import ACTIVE, Finding, Job, Reading, Run, Site
from django_job_automation.rules import NoComs, ZeroReads
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, ago, daily

pytestmark = pytest.mark.django_db


def plant(site_id: str = "A", pairs=(), **known) -> Site:
    site = Site.objects.create(site_id=site_id, site_name=f"Plant {site_id}", **known)
    Reading.objects.bulk_create(
        Reading(site=site, reading_date=at, reading_value=value) for at, value in pairs
    )
    return site


def run(**options):
    return run_automation(started_by="test", as_of=AS_OF, **options)


@pytest.fixture
def fleet():
    plant("silent", [(ago(5), "7")])
    plant("flat", daily([5] * 6))
    plant("fine", daily(range(20, 10, -1)))


def test_run_opens_jobs_and_says_why(fleet):
    report = run()

    assert [(one.rule.name, one.found, one.created) for one in report.rules] == [
        ("no_coms", 1, 1),
        ("zero_reads", 1, 1),
    ]
    silent, flat = Job.objects.order_by("job_type")
    assert (silent.site.site_id, silent.description) == ("silent", "No readings for 3 days")
    assert (flat.site.site_id, flat.description) == ("flat", "No generation increase for 4 days")
    assert (silent.status, silent.run_id) == ("open", report.run)
    assert silent.evidence["silent_days"] == 5
    assert silent.evidence["reason"] == (
        "Its last reading is of 2026-11-15 06:00 UTC, 5.0 days before; the limit is 3 days."
    )
    assert flat.evidence["moments"] == 4
    done = Run.objects.get()
    assert (done.outcome, done.active, done.started_by) == ("DONE", None, "test")
    assert done.counters == {
        "no_coms": {"found": 1, "created": 1, "closed": 0, "noted": 0},
        "zero_reads": {"found": 1, "created": 1, "closed": 0, "noted": 0},
    }
    assert done.settings["NO_COMS"]["days_threshold"] == 3
    assert json.dumps(done.settings)
    findings = {one.rule: one for one in Finding.objects.all()}
    assert findings["no_coms"].job_key == str(silent.pk)
    assert findings["zero_reads"].site_label == "Plant flat"


def test_second_run_opens_nothing_and_sees_the_same_again(fleet):
    run()
    before = dict(Job.objects.values_list("pk", "last_seen_at"))

    assert run().created == 0

    after = dict(Job.objects.values_list("pk", "last_seen_at"))
    assert after.keys() == before.keys()
    assert all(after[key] > before[key] for key in before)
    results = Finding.objects.filter(run=Run.objects.first()).values_list("result", flat=True)
    assert set(results) == {"OPEN"}


def test_dry_run_writes_nothing(fleet):
    Job.objects.create(site=Site.objects.get(site_id="flat"), job_type="zero_reads")

    report = run(dry_run=True)

    assert [(one.found, one.created) for one in report.rules] == [(1, 1), (1, 0)]
    assert report.run is None
    assert Job.objects.count() == 1
    assert not Run.objects.exists()
    assert not Finding.objects.exists()


def test_sites_that_are_named_are_looked_at_alone(fleet):
    assert run(keys=["flat"]).created == 1
    assert Job.objects.get().site.site_id == "flat"


def test_unknown_site_is_named_and_nothing_is_done(fleet):
    with pytest.raises(UnknownSiteError, match="'nowhere'"):
        run(keys=["flat", "nowhere"])

    assert not Run.objects.exists()


def test_rule_that_fails_is_recorded_and_the_other_runs(fleet, monkeypatch, caplog):
    def fail(scope):
        raise DataError("value 'x' is out of range; password=abc")

    monkeypatch.setattr(NoComs, "find", staticmethod(fail))

    report = run()

    assert [one.rule.name for one in report.failed] == ["no_coms"]
    assert Job.objects.get().job_type == "zero_reads"
    done = Run.objects.get()
    assert (done.outcome, done.active) == ("FAILED", None)
    assert "No Coms: DataError: value 'x' is out of range" in done.error
    assert "abc" not in done.error
    assert "Failed to ask for No Coms" in caplog.text


def test_job_that_cannot_be_written_leaves_those_of_the_other_rule(fleet, monkeypatch):
    find = NoComs().find

    def unwritable(scope):
        from dataclasses import replace

        return [replace(flag, site_pk="no number") for flag in find(scope)]

    monkeypatch.setattr(NoComs, "find", staticmethod(unwritable))

    report = run()

    assert [one.rule.name for one in report.failed] == ["no_coms"]
    assert Job.objects.get().job_type == "zero_reads"
    assert Finding.objects.get().rule == "zero_reads"
    assert Run.objects.get().outcome == "FAILED"


def test_disabled_rules_are_skipped(fleet, settings):
    settings.JOB_AUTOMATION = {"NO_COMS": {"enabled": False}, "ZERO_READS": {"enabled": False}}

    report = run()

    assert not any(one.is_enabled for one in report.rules)
    assert Run.objects.get().outcome == "SKIPPED"


def test_interrupted_run_gives_the_lock_back(fleet, monkeypatch):
    def stop(scope):
        raise KeyboardInterrupt

    monkeypatch.setattr(NoComs, "find", staticmethod(stop))

    with pytest.raises(KeyboardInterrupt):
        run()

    done = Run.objects.get()
    assert (done.outcome, done.active, done.error) == ("FAILED", None, "KeyboardInterrupt")


class TestLock:
    def holding(self, holder: str, seconds: float) -> Run:
        now = timezone.now()
        return Run.objects.create(
            active=ACTIVE,
            holder=holder,
            expires_at=now + timedelta(seconds=seconds),
            started_by="cron",
            started_at=now,
            as_of=now,
        )

    def test_second_run_names_the_first(self, fleet):
        first = self.holding("elsewhere|1|1|x", 60)

        with pytest.raises(RunLockedError, match=f"Run {first.pk} is at work, started by cron"):
            run()

        assert not Job.objects.exists()

    def test_run_whose_time_is_over_is_taken_over(self, fleet):
        first = self.holding("elsewhere|1|1|x", -1)

        assert run().created == 2

        first.refresh_from_db()
        assert (first.outcome, first.active) == ("INTERRUPTED", None)

    def test_run_that_was_taken_for_dead_writes_nothing(self, fleet, monkeypatch):
        find = ZeroReads().find

        def slow(scope):
            Run.objects.update(active=None, outcome="INTERRUPTED")
            return find(scope)

        monkeypatch.setattr(ZeroReads, "find", staticmethod(slow))

        with pytest.raises(RunLockedError, match="taken|took"):
            run()

        assert not Job.objects.exists()
        assert not Finding.objects.exists()
        assert Run.objects.get().outcome == "INTERRUPTED"


# More would be two statements on SQLite with Django 5.2, which takes 999 parameters in one.
@pytest.mark.parametrize("count", [1, 40])
def test_number_of_statements_is_fixed(count):
    for number in range(count):
        plant(f"silent {number}", [(ago(5), "7")])
        plant(f"flat {number}", daily([5] * 6))

    with CaptureQueriesContext(connection) as queries:
        run()

    transactions = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    asked = [one["sql"] for one in queries if not one["sql"].startswith(transactions)]
    assert len(asked) <= 8, asked
    assert Job.objects.count() == 2 * count


@pytest.mark.django_db(transaction=True)
def test_run_that_gave_way_to_others_tries_again(fleet, monkeypatch):
    create, gave_way = QuerySet.create, []

    def give_way_once(rows, **fields):
        if rows.model is Run and not gave_way:
            gave_way.append(1)
            raise OperationalError(1213, "Deadlock found when trying to get lock")
        return create(rows, **fields)

    monkeypatch.setattr(QuerySet, "create", give_way_once)

    assert run().created == 2

    assert gave_way
    assert Run.objects.get().outcome == "DONE"


@pytest.mark.django_db(transaction=True)
def test_run_that_gives_way_each_time_is_turned_away(fleet, monkeypatch):
    def give_way(_rows, **_fields):
        raise OperationalError(1213, "Deadlock found when trying to get lock")

    monkeypatch.setattr(QuerySet, "create", give_way)

    with pytest.raises(RunLockedError, match="others"):
        run()


@pytest.mark.django_db(transaction=True)
def test_database_that_is_away_is_no_lock(fleet, monkeypatch):
    def away(_rows, **_fields):
        raise OperationalError(2006, "Server has gone away")

    monkeypatch.setattr(QuerySet, "create", away)

    with pytest.raises(OperationalError, match="gone away"):
        run()


def test_run_that_the_database_does_not_take_is_no_lock(fleet, monkeypatch):
    def refuse(*_args, **_options):
        raise IntegrityError("CHECK constraint failed: settings")

    monkeypatch.setattr(QuerySet, "create", refuse)

    with pytest.raises(IntegrityError, match="CHECK"):
        run()
