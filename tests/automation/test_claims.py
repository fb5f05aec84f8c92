"""Jobs in an integrator's own table: one open job for a meter and type there too."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_job_automation.checks import check_adapter
from django_job_automation.models import Finding, JobClaim, Run
from django_job_automation.services.dashboard import dashboard
from django_job_automation.services.explaining import explain
from django_job_automation.services.retention import forget
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, ago
from tests.automation.models import Meter, Sample, Ticket, WorkOrder

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["Orders", "Tickets"])
def jobs(request, settings):
    """The model of jobs that the adapter maps."""
    settings.JOB_AUTOMATION = {"ADAPTER": f"tests.automation.adapters.{request.param}"}
    return WorkOrder if request.param == "Orders" else Ticket


@pytest.fixture
def meter(jobs):
    return silent("A")


def silent(code: str) -> Meter:
    meter = Meter.objects.create(code=code)
    Sample.objects.create(meter=meter, taken_at=ago(9), kwh=1)
    return meter


def created(**options) -> int:
    report = run_automation(started_by="test", as_of=AS_OF, **options)
    assert not report.failed, report.failed
    return report.created


def test_adapter_fits(jobs):
    assert check_adapter() == []


def test_job_is_opened_once(jobs, meter):
    assert created(dry_run=True) == 1
    assert (created(), created()) == (1, 0)
    assert created(dry_run=True) == 0

    job = jobs.objects.get()
    assert (job.meter, job.kind, job.stage) == (meter, "no_coms", "new")
    assert JobClaim.objects.get().job_key == str(job.pk)
    results = Finding.objects.order_by("pk").values_list("result", "job_key")
    assert list(results) == [("OPENED", str(job.pk)), ("OPEN", "")]
    assert explain("A", as_of=AS_OF).open_jobs == (("no_coms", job.pk),)


def test_description_is_written_where_there_is_a_place(settings):
    settings.JOB_AUTOMATION = {"ADAPTER": "tests.automation.adapters.Orders"}
    silent("A")

    created()

    assert WorkOrder.objects.get().note == "No readings for 3 days"


@pytest.mark.parametrize(("stage", "count"), [("new", 0), ("assigned", 0), ("done", 1)])
def test_job_of_somebody_else(jobs, meter, stage, count):
    jobs.objects.create(meter=meter, kind="no_coms", stage=stage)

    assert created() == count


@pytest.mark.parametrize("how", ["closed", "deleted"])
def test_job_that_is_gone_gives_way_to_another(jobs, meter, how):
    created()
    if how == "closed":
        jobs.objects.update(stage="done")
    else:
        jobs.objects.all().delete()

    assert (created(), created()) == (1, 0)
    assert JobClaim.objects.count() == 1


def test_claim_outlives_its_run(jobs, meter):
    created()
    forget(keep_days=0, now=timezone.now())

    assert not Run.objects.exists()
    assert JobClaim.objects.exists()
    assert created() == 0


def test_job_without_its_claim_is_no_second_one(jobs, meter):
    created()
    JobClaim.objects.all().delete()

    assert created() == 0


def test_duplicates_are_opened_when_they_are_wanted(jobs, meter, settings):
    settings.JOB_AUTOMATION = {**settings.JOB_AUTOMATION, "NO_COMS": {"check_duplicate": False}}

    assert (created(), created()) == (1, 1)
    assert not JobClaim.objects.exists()


def test_dashboard_reads_the_same_table(jobs, meter):
    created()

    found = dashboard(now=AS_OF)

    assert found.open == {"no_coms": 1, "zero_reads": 0, "underperformance": 0}
    assert [one.site_id for one in found.recent] == ["A"]


@pytest.mark.parametrize("count", [2, 40])
def test_number_of_statements_is_fixed(jobs, count):
    for number in range(count):
        silent(f"S{number}")

    with CaptureQueriesContext(connection) as queries:
        created()

    transactions = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    asked = [one["sql"] for one in queries if not one["sql"].startswith(transactions)]
    assert len(asked) <= 14, asked
    assert jobs.objects.count() == count
