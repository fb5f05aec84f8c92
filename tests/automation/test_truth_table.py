"""Each case of the table: by the definitions, on our own tables, and on an integrator's."""

from datetime import timedelta
from decimal import Decimal

import pytest

from django_job_automation.adapters import DefaultAdapter
from django_job_automation.conf import get_conf
from django_job_automation.engine.judging import is_flat, is_silent
from django_job_automation.engine.limits import NoComsLimits, ZeroReadsLimits
from django_job_automation.models import Job, Reading, Site
from django_job_automation.rules import Flag, NoComs, Scope, ZeroReads
from django_job_automation.services.running import run_automation
from tests.automation.adapters import Meters
from tests.automation.histories import AS_OF, CASES, Case, ago
from tests.automation.models import Meter, Sample

SILENCE = NoComsLimits(threshold=timedelta(days=3))


def flagged(adapter, case: Case) -> dict[str, bool]:
    scope = Scope(adapter, get_conf(), case.as_of)
    return {
        rule.name: any(isinstance(one, Flag) for one in rule.find(scope))
        for rule in (NoComs(), ZeroReads())
    }


def expected(case: Case) -> dict[str, bool]:
    return {"no_coms": case.no_coms, "zero_reads": case.zero_reads}


@pytest.fixture
def tolerant(settings):
    def be(case: Case) -> None:
        settings.JOB_AUTOMATION = {"ZERO_READS": {"min_increase": case.min_increase}}

    return be


@pytest.mark.parametrize("case", CASES, ids=str)
def test_by_the_definitions(case):
    limits = ZeroReadsLimits(timedelta(days=4), 3, Decimal(str(case.min_increase)))

    assert (
        is_silent(case.readings, SILENCE, as_of=case.as_of, commissioned_at=case.commissioned_at)
        is case.no_coms
    )
    assert is_flat(case.readings, limits, SILENCE, as_of=case.as_of) is case.zero_reads


@pytest.mark.django_db
@pytest.mark.parametrize("case", [one for one in CASES if not one.is_ambiguous], ids=str)
def test_on_our_own_tables(case, tolerant):
    tolerant(case)
    site = Site.objects.create(site_id="A", commissioned_at=case.commissioned_at)
    Reading.objects.bulk_create(
        Reading(site=site, reading_date=one.at, reading_value=one.value) for one in case.readings
    )

    assert flagged(DefaultAdapter(), case) == expected(case)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_an_integrators_tables(case, tolerant):
    tolerant(case)
    meter = Meter.objects.create(code="A", built_at=case.commissioned_at)
    Sample.objects.bulk_create(
        Sample(meter=meter, taken_at=at, kwh=None if value is None else float(value))
        for at, value in case.pairs
    )
    # One that lost its meter, which would empty NOT IN.
    Sample.objects.create(meter=None, taken_at=ago(1), kwh=5)

    assert flagged(Meters(), case) == expected(case)


@pytest.mark.django_db
class TestJobs:
    """Cases 34 to 42: a silent site, and what is known of it."""

    @pytest.fixture
    def site(self):
        site = Site.objects.create(site_id="A")
        Reading.objects.create(site=site, reading_date=ago(5), reading_value=5)
        return site

    def created(self) -> int:
        report = run_automation(started_by="test", as_of=AS_OF)
        assert not report.failed
        return report.created

    @pytest.mark.parametrize(
        ("number", "status", "is_duplicate_allowed", "created"),
        [
            (34, "open", False, 0),
            (35, "open", True, 1),
            (36, "assigned", False, 0),
            (36, "in_progress", False, 0),
            (37, "closed", False, 1),
        ],
    )
    def test_job_that_is_there(self, site, settings, number, status, is_duplicate_allowed, created):
        settings.JOB_AUTOMATION = {"NO_COMS": {"check_duplicate": not is_duplicate_allowed}}
        Job.objects.create(site=site, job_type="no_coms", status=status)

        assert self.created() == created

    def test_reopened_job_counts_as_open(self, site):
        job = Job.objects.create(site=site, job_type="no_coms", status="closed")
        Job.objects.filter(pk=job.pk).update(status="open")

        assert self.created() == 0

    def test_open_job_of_another_type_is_no_obstacle(self, site):
        Job.objects.create(site=site, job_type="zero_reads")

        assert self.created() == 1

    @pytest.mark.parametrize(
        ("number", "known", "created"),
        [
            (40, {"is_active": False}, 0),
            (41, {"snoozed_until": ago(-1)}, 0),
            (42, {"snoozed_until": ago(hours=1)}, 1),
        ],
    )
    def test_sites_that_nobody_asks_for(self, site, number, known, created):
        Site.objects.update(**known)

        assert self.created() == created
