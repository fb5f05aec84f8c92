"""Jobs are closed on evidence, held back in a mass outage, and nobody is woken in a window."""

import io
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from django_job_automation.adapters import DefaultAdapter
from django_job_automation.conf import get_conf
from django_job_automation.engine.judging import Flatness, Silence, judge_flat, judge_silent
from django_job_automation.engine.limits import NoComsLimits, ZeroReadsLimits
from django_job_automation.models import Finding, Job, JobClaim, MaintenanceWindow, Reading, Site
from django_job_automation.rules import NoComs, Scope, ZeroReads
from django_job_automation.services.overrides import replace
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, CASES, ago, daily
from tests.automation.models import Meter, Sample, WorkOrder
from tests.automation.test_running import plant

pytestmark = pytest.mark.django_db


def run(days: float = 0, **options):
    report = run_automation(started_by="test", as_of=AS_OF + timedelta(days=days), **options)
    assert not report.failed, report.failed
    return {one.rule.name: one for one in report.rules}


def read(site: Site, days: float, value: float) -> None:
    Reading.objects.create(
        site=site, reading_date=AS_OF + timedelta(days=days), reading_value=value
    )


class TestClosing:
    @pytest.fixture(autouse=True)
    def twice(self, settings):
        settings.JOB_AUTOMATION = {
            "NO_COMS": {"auto_close_after_clean_runs": 2},
            "ZERO_READS": {"auto_close_after_clean_runs": 2},
        }

    def test_job_is_closed_after_so_many_clean_runs(self):
        site = plant("A", [(ago(5), "7")])
        run()
        read(site, 1, 8)

        assert [run(1)["no_coms"].closed, run(1.5)["no_coms"].closed] == [0, 1]

        job = Job.objects.get()
        assert job.status == "closed"
        assert job.closed_at is not None
        assert job.evidence["closed"]["reason"] == "2 runs in a row found the opposite."
        found = Finding.objects.get(result="CLOSED")
        assert (found.site_key, found.site_label, found.job_key) == ("A", "Plant A", str(job.pk))
        assert run(2)["no_coms"].closed == 0

    def test_what_is_found_again_begins_anew(self):
        site = plant("A", [(ago(5), "7")])
        run()
        read(site, 1, 8)
        run(1)
        assert Job.objects.get().clean_runs == 1
        run(5)
        assert Job.objects.get().clean_runs == 0
        read(site, 6, 9)

        assert [run(6)["no_coms"].closed, run(6)["no_coms"].closed] == [0, 1]

    def test_missing_data_closes_no_flat_job(self):
        site = plant("A", daily([5] * 6))
        run()
        read(site, 0.5, 5)
        # Silent now: nobody knows whether the register moves.
        for days in (5, 6, 7, 8):
            assert run(days)["zero_reads"].closed == 0
        assert Job.objects.get(job_type="zero_reads").clean_runs == 0

    def test_flat_job_is_closed_when_the_register_moves(self):
        site = plant("A", daily([5] * 6))
        run()
        for day in range(1, 4):
            read(site, day, 5 + day)

        assert [run(3)["zero_reads"].closed, run(3.2)["zero_reads"].closed] == [0, 1]

    def test_job_of_a_person_is_left_alone(self):
        site = plant("A", [(ago(1), "7")])
        Job.objects.create(site=site, job_type="no_coms")

        for _ in range(4):
            run()

        assert Job.objects.get().status == "open"

    def test_dry_run_counts_nothing(self):
        site = plant("A", [(ago(5), "7")])
        run()
        read(site, 1, 8)
        run(1)

        assert run(1, dry_run=True)["no_coms"].closed == 1
        assert Job.objects.get().clean_runs == 1

    def test_each_group_is_closed_by_its_own_number(self):
        replace(
            {"NO_COMS": {"auto_close_after_clean_runs": 1}},
            scope="group:north",
            version=None,
            changed_by="ada",
        )
        sites = [plant("A", [(ago(5), "7")], group="north"), plant("B", [(ago(5), "7")])]
        run()
        for site in sites:
            read(site, 1, 8)
        for _ in range(2):
            run(1)

        reasons = {job.site.site_id: job.evidence["closed"]["reason"] for job in Job.objects.all()}
        assert reasons == {
            "A": "1 runs in a row found the opposite.",
            "B": "2 runs in a row found the opposite.",
        }
        told = Finding.objects.filter(result="CLOSED").values_list("site_key", "reason")
        assert dict(told) == reasons

    def test_command_says_so(self):
        site = plant("A", [(ago(5), "7")])
        run()
        read(site, 1, 8)
        run(1)
        output = io.StringIO()

        moment = (AS_OF + timedelta(days=1)).isoformat()
        call_command("create_no_coms_jobs", "--as-of", moment, stdout=output)

        assert output.getvalue() == "Created 0 No Coms jobs\nClosed 1 No Coms jobs\n"

    def test_job_in_a_table_of_others_is_closed_too(self, settings):
        settings.JOB_AUTOMATION = {
            **settings.JOB_AUTOMATION,
            "ADAPTER": "tests.automation.adapters.Orders",
        }
        meter = Meter.objects.create(code="A")
        Sample.objects.create(meter=meter, taken_at=ago(9), kwh=1)
        run()
        other = Meter.objects.create(code="B")
        WorkOrder.objects.create(meter=other, kind="no_coms", stage="new")
        for one in (meter, other):
            Sample.objects.create(meter=one, taken_at=AS_OF + timedelta(days=1), kwh=1)

        assert [run(1)["no_coms"].closed, run(1)["no_coms"].closed] == [0, 1]
        assert WorkOrder.objects.get(meter=meter).stage == "done"
        assert WorkOrder.objects.get(meter=other).stage == "new"
        assert JobClaim.objects.get().clean_runs == 1


@pytest.mark.parametrize("case", [one for one in CASES if not one.is_ambiguous], ids=str)
def test_clean_is_what_the_definitions_call_so(case, settings):
    """Neither flagged nor clean, where nothing is known."""
    settings.JOB_AUTOMATION = {"ZERO_READS": {"min_increase": case.min_increase}}
    site = Site.objects.create(site_id="A", commissioned_at=case.commissioned_at)
    Reading.objects.bulk_create(
        Reading(site=site, reading_date=one.at, reading_value=one.value) for one in case.readings
    )
    silence = NoComsLimits(timedelta(days=3))
    limits = ZeroReadsLimits(timedelta(days=4), 3, get_conf().ZERO_READS.min_increase)

    scope = Scope(DefaultAdapter(), get_conf(), case.as_of)
    clean = {
        rule.name: [one.pk for one in rule.clean(scope, [site.pk])] == [site.pk]
        for rule in (NoComs(), ZeroReads())
    }

    silent = judge_silent(
        case.readings, silence, as_of=case.as_of, commissioned_at=case.commissioned_at
    )
    flat = judge_flat(case.readings, limits, silence, as_of=case.as_of)
    assert clean == {"no_coms": silent is Silence.TALKS, "zero_reads": flat is Flatness.MOVES}


class TestMassOutage:
    @pytest.fixture(autouse=True)
    def fleet(self, settings):
        settings.JOB_AUTOMATION = {"MASS_OUTAGE_PERCENT": 50}
        for number in range(4):
            plant(f"S{number}", [(ago(1), "7")])

    def silence(self, *names: str) -> None:
        Reading.objects.filter(site__site_id__in=names).update(reading_date=ago(5))

    def test_half_of_the_sites_get_their_jobs(self):
        self.silence("S0", "S1")

        assert run()["no_coms"].created == 2

    def test_more_than_half_are_one_incident(self, caplog, capsys):
        self.silence("S0", "S1", "S2")

        report = run()["no_coms"]

        assert (report.found, report.created) == (3, 0)
        assert report.incident.startswith("3 sites fell silent in one run, more than 50 % of all")
        assert report.incident in caplog.text
        assert not Job.objects.exists()
        held = Finding.objects.filter(result="HELD")
        assert held.filter(rule="no_coms").count() == 3
        assert held.get(rule="mass_outage").reason == report.incident
        assert run(dry_run=True)["no_coms"].created == 0
        error = io.StringIO()
        call_command(
            "create_no_coms_jobs", "--as-of", AS_OF.isoformat(), stdout=io.StringIO(), stderr=error
        )
        assert "look at the intake" in error.getvalue()

    def test_site_that_is_named_gets_its_job(self):
        self.silence("S0")

        assert run(keys=["S0"])["no_coms"].created == 1

    def test_those_that_were_silent_before_do_not_count(self):
        self.silence("S0", "S1")
        run()
        self.silence("S2", "S3")

        assert run()["no_coms"].created == 2
        assert Job.objects.count() == 4


class TestWindows:
    @pytest.fixture(autouse=True)
    def fleet(self):
        plant("A", [(ago(5), "7")], group="north")
        plant("B", [(ago(5), "7")], group="south")

    def flagged(self) -> set[str]:
        return {flag.key for flag in run(dry_run=True)["no_coms"].flags}

    @pytest.mark.parametrize(
        ("scope", "left"),
        [
            ("", set()),
            ("group:north", {"B"}),
            ("site:B", {"A"}),
            ("group:B", {"A", "B"}),
            ("site:a", {"A", "B"}),
        ],
    )
    def test_no_rule_looks_at_what_is_in_a_window(self, scope, left):
        MaintenanceWindow.objects.create(scope=scope, starts_at=ago(1), ends_at=ago(-1))

        assert self.flagged() == left

    @pytest.mark.parametrize(
        ("starts", "ends", "is_open"),
        [(1, 0, False), (0, -1, True), (-1, -2, False), (2, 1, False), (1, -0.001, True)],
    )
    def test_window_holds_from_its_beginning_to_before_its_end(self, starts, ends, is_open):
        MaintenanceWindow.objects.create(starts_at=ago(starts), ends_at=ago(ends))

        assert self.flagged() == (set() if is_open else {"A", "B"})

    @pytest.mark.parametrize(
        ("scope", "days", "words"),
        [("north", 1, "group:NAME"), ("site:", 1, "group:NAME"), ("", -1, "ends after it starts")],
    )
    def test_window_that_is_none_is_refused(self, scope, days, words):
        window = MaintenanceWindow(
            scope=scope, starts_at=AS_OF, ends_at=AS_OF + timedelta(days=days)
        )

        with pytest.raises(ValidationError, match=words):
            window.full_clean()
