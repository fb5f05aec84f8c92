"""Who counts much less than the others of the group."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_job_automation.engine.comparing import Group, per_day
from django_job_automation.models import Job, Site
from django_job_automation.services import overrides
from tests.automation.histories import AS_OF, ago
from tests.automation.models import Meter, Sample
from tests.automation.test_running import plant, run


def rising(per_day: float, days: int = 20, start: float = 1000) -> list[tuple[object, str]]:
    """Return a register that rises by so much a day, read daily up to six hours ago."""
    return [(ago(day + 0.25), str(start + per_day * (days - day))) for day in range(days)]


class TestGroup:
    def standings(self, *sites, min_sites: int = 2):
        group = Group()
        for key, rate, capacity in sites:
            group.add(key, rate, capacity)
        return list(group.standings(min_sites=min_sites))

    def test_site_is_held_against_the_median(self):
        found = self.standings(("a", 10, None), ("b", 100, None), ("c", 110, None))

        assert {one.median for one in found} == {100}
        assert [one.key for one in found if one.is_below(60)] == ["a"]
        assert {one.sites for one in found} == {3}

    def test_exactly_the_limit_is_enough(self):
        found = self.standings(("a", 60, None), ("b", 100, None), ("c", 100, None))

        assert not any(one.is_below(60) for one in found)

    def test_capacity_makes_small_and_large_alike(self):
        found = self.standings(("a", 10, 1), ("b", 1000, 100), ("c", 300, 100))

        assert [one.key for one in found if one.is_below(60)] == ["c"]

    def test_unknown_capacity_is_left_out_where_others_are_known(self):
        found = self.standings(("a", 10, 1), ("b", 10, 1), ("c", 1, None), ("d", 1, 0))

        assert [one.key for one in found] == ["a", "b"]

    def test_few_sites_are_no_group(self):
        assert self.standings(("a", 1, None), ("b", 100, None), min_sites=3) == []
        assert self.standings(min_sites=2) == []

    def test_rate_is_that_of_a_day(self):
        before = AS_OF - timedelta(days=2)

        assert per_day((before, 10.0), (AS_OF, 30.0)) == 10
        assert per_day((before, 10.0), (AS_OF, 10.0)) is None
        assert per_day((before, 10.0), (AS_OF, 9.0)) is None
        assert per_day((AS_OF, 10.0), (AS_OF, 30.0)) is None


@pytest.mark.django_db
class TestRule:
    @pytest.fixture(autouse=True)
    def fleet(self, settings):
        settings.JOB_AUTOMATION = {"UNDERPERFORMANCE": {"enabled": True}}
        for name, rate in (("A", 100), ("B", 110), ("C", 90), ("weak", 50)):
            plant(name, rising(rate), group="north")

    def flagged(self, **options) -> set[tuple[str, str]]:
        report = run(**options)
        assert not report.failed
        return {(one.rule.name, flag.key) for one in report.rules for flag in one.flags}

    def test_site_that_lags_behind_gets_a_job(self):
        assert self.flagged() == {("underperformance", "weak")}
        job = Job.objects.get()
        assert job.job_type == "underperformance"
        assert job.description == "Less than 60 % of the group for 7 days"
        assert job.evidence["reason"] == (
            "It counted 53 % of the median of its group over 7 days; the limit is 60 %."
        )
        assert job.evidence["sites_compared"] == 4
        assert run().created == 0

    def test_it_is_off_unless_somebody_turns_it_on(self, settings):
        settings.JOB_AUTOMATION = {}
        output = io.StringIO()

        call_command("run_daily_job_automation", as_of=AS_OF, stdout=output)

        assert "Underperformance" not in output.getvalue()
        assert not Job.objects.exists()

    def test_groups_are_apart(self):
        for name in ("D", "E", "F"):
            plant(name, rising(10), group="south")
        plant("alone", rising(1), group="east")

        assert self.flagged() == {("underperformance", "weak")}

    def test_other_faults_are_not_compared(self):
        plant("silent", rising(1)[4:], group="north")
        plant("flat", rising(0), group="north")
        plant("reset", rising(-5), group="north")
        plant("young", rising(1)[:5], group="north")

        assert self.flagged() == {
            ("underperformance", "weak"),
            ("no_coms", "silent"),
            ("zero_reads", "flat"),
        }
        evidence = Job.objects.get(job_type="underperformance").evidence
        assert evidence["sites_compared"] == 4

    def test_capacity_is_what_sites_are_compared_by(self):
        Site.objects.update(capacity=100)
        Site.objects.filter(site_id="weak").update(capacity=50)
        Site.objects.filter(site_id="C").update(capacity=200)

        assert self.flagged() == {("underperformance", "C")}

    def test_named_site_is_held_against_its_whole_group(self):
        assert self.flagged(keys=["weak"]) == {("underperformance", "weak")}
        assert self.flagged(keys=["A"]) == set()

    def test_site_with_settings_of_its_own_is_held_against_its_whole_group(self):
        overrides.replace(
            {"UNDERPERFORMANCE": {"percent_of_median": 95}},
            scope="site:C",
            version=None,
            changed_by="ada",
        )

        assert self.flagged() == {("underperformance", "weak"), ("underperformance", "C")}

    def test_job_is_closed_when_the_site_keeps_up(self, settings):
        run()
        settings.JOB_AUTOMATION = {
            "UNDERPERFORMANCE": {
                "enabled": True,
                "percent_of_median": 40,
                "auto_close_after_clean_runs": 1,
            }
        }

        assert self.flagged() == set()
        assert Job.objects.get().status == "closed"

    def test_job_of_a_silent_site_stays_open(self, settings):
        run()
        settings.JOB_AUTOMATION = {
            "UNDERPERFORMANCE": {"enabled": True, "auto_close_after_clean_runs": 1}
        }
        Site.objects.get(site_id="weak").readings.filter(reading_date__gt=ago(4)).delete()

        run()

        assert Job.objects.get(job_type="underperformance").status == "open"


@pytest.mark.django_db
def test_integrators_table_without_groups_is_one_group(settings):
    settings.JOB_AUTOMATION = {
        "ADAPTER": "tests.automation.adapters.Orders",
        "UNDERPERFORMANCE": {"enabled": True},
    }
    for name, rate in (("A", 100.0), ("B", 110.0), ("weak", 50.0)):
        meter = Meter.objects.create(code=name)
        Sample.objects.bulk_create(
            Sample(meter=meter, taken_at=at, kwh=float(value)) for at, value in rising(rate)
        )

    with CaptureQueriesContext(connection) as asked:
        report = run(names=["underperformance"], dry_run=True)

    assert [flag.key for flag in report.rules[0].opened] == ["weak"]
    samples = [one for one in asked if "tests_automation_sample" in one["sql"]]
    assert len(samples) == 1


@pytest.mark.django_db
class TestOtherCauses:
    @pytest.fixture(autouse=True)
    def fleet(self, settings):
        settings.JOB_AUTOMATION = {"UNDERPERFORMANCE": {"enabled": True}}
        for name in ("A", "B", "C"):
            plant(name, rising(100), group="north")

    def flagged(self) -> set[tuple[str, str]]:
        report = run()
        assert not report.failed
        return {(one.rule.name, flag.key) for one in report.rules for flag in one.flags}

    def test_site_that_was_away_when_the_days_began_is_not_compared(self):
        plant("repaired", [*rising(100, days=6, start=1000), (ago(66), "1000")], group="north")

        assert self.flagged() == set()

    @pytest.mark.parametrize("days", [1, 2, 3, 4, 5, 6])
    def test_standstill_is_the_other_rules_matter(self, days):
        """However long it has lasted: a site that stands still has one cause, and one job."""
        pairs = rising(100)
        last = pairs[days][1]
        plant(
            "stuck", [(at, last if age < days else value) for age, (at, value) in enumerate(pairs)]
        )
        Site.objects.filter(site_id="stuck").update(group="north")

        assert self.flagged() <= {("zero_reads", "stuck")}

    def test_creeping_register_is_the_other_rules_matter(self, settings):
        settings.JOB_AUTOMATION = {
            "UNDERPERFORMANCE": {"enabled": True},
            "ZERO_READS": {"min_increase": 0.5},
        }
        plant("creeping", rising(0.01), group="north")

        assert self.flagged() == {("zero_reads", "creeping")}
        assert self.flagged() == {("zero_reads", "creeping")}
