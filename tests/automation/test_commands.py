"""The three commands: the published lines, and the exit status."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_job_automation.models import ACTIVE, Finding, Job, Run
from django_job_automation.rules import NoComs
from tests.automation.histories import AS_OF, ago, daily
from tests.automation.test_running import plant

pytestmark = pytest.mark.django_db

DAILY = "run_daily_job_automation"
MOMENT = AS_OF.isoformat()


@pytest.fixture(autouse=True)
def fleet():
    plant("silent", [(ago(5), "7")])
    plant("flat", daily([5] * 6))


def printed(name: str, *args: str, **options) -> str:
    output = io.StringIO()
    call_command(name, "--as-of", MOMENT, *args, stdout=output, **options)
    return output.getvalue()


@pytest.mark.parametrize(
    ("name", "line", "job_type"),
    [
        ("create_no_coms_jobs", "Created 1 No Coms jobs\n", "no_coms"),
        ("create_zero_reads_jobs", "Created 1 Zero Reads jobs\n", "zero_reads"),
    ],
)
def test_single_rules_print_what_was_published(name, line, job_type):
    assert printed(name) == line
    assert Job.objects.get().job_type == job_type
    assert printed(name) == line.replace("1", "0")


def test_all_rules_print_what_was_published():
    assert printed(DAILY) == (
        "Starting daily job automation...\n"
        "Created 1 No Coms jobs\n"
        "Created 1 Zero Reads jobs\n"
        "Daily job automation completed\n"
    )
    assert Run.objects.get().started_by.startswith("run_daily_job_automation, ")


@pytest.mark.parametrize(
    ("name", "rule", "line"),
    [
        ("create_no_coms_jobs", "NO_COMS", "No Coms job creation is disabled\n"),
        ("create_zero_reads_jobs", "ZERO_READS", "Zero Reads job creation is disabled\n"),
    ],
)
def test_disabled_rule_says_so(settings, name, rule, line):
    settings.JOB_AUTOMATION = {rule: {"enabled": False}}

    assert printed(name) == line


def test_dry_run_says_what_would_be_done():
    assert "Would create 1 No Coms jobs" in printed(DAILY, dry_run=True)
    assert not Job.objects.exists()


def test_rule_that_fails_is_said_and_exits_with_1(monkeypatch):
    def fail(scope):
        raise ValueError("no such column")

    monkeypatch.setattr(NoComs, "find", staticmethod(fail))
    output = io.StringIO()

    with pytest.raises(CommandError, match=r"Failed: No Coms\.") as raised:
        call_command(DAILY, "--as-of", MOMENT, stdout=output)

    assert raised.value.returncode == 1
    assert "No Coms job creation failed: ValueError: no such column" in output.getvalue()
    assert "Created 1 Zero Reads jobs" in output.getvalue()


def test_lock_that_is_held_exits_with_75():
    Run.objects.create(
        active=ACTIVE,
        holder="elsewhere|1|1|x",
        started_by="cron",
        started_at=AS_OF,
        as_of=AS_OF,
    )

    with pytest.raises(CommandError, match="started by cron") as raised:
        printed(DAILY)

    assert raised.value.returncode == 75


def test_unknown_site_is_wrong_usage():
    with pytest.raises(CommandError, match="There is no site 'x'") as raised:
        printed(DAILY, "--site", "x")

    assert raised.value.returncode == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "is no moment"),
        ("2026-13-01T00:00", "is no moment"),
        ("06:00", "is no moment"),
        ("0001-01-01T00:00", "between the years"),
    ],
)
def test_wrong_moment_is_named(text, words):
    with pytest.raises(CommandError, match=words):
        call_command(DAILY, "--as-of", text)


def test_moment_without_an_offset_is_in_the_sites_time_zone(settings):
    settings.TIME_ZONE = "Europe/Warsaw"

    document = json.loads(printed("create_no_coms_jobs", "--as-of", "2026-11-20T07:00", json=True))

    assert document["as_of"] == "2026-11-20T06:00:00Z"
    assert document["rules"][0]["sites"][0]["site"] == "silent"


class TestCleanup:
    @pytest.fixture(autouse=True)
    def runs(self):
        call_command(DAILY, "--as-of", MOMENT, stdout=io.StringIO())
        call_command(DAILY, "--as-of", MOMENT, stdout=io.StringIO())
        old = timezone.now() - timedelta(days=401)
        Run.objects.filter(pk=Run.objects.earliest("pk").pk).update(started_at=old)
        Run.objects.create(active=ACTIVE, started_by="x", started_at=old, as_of=old)

    def printed(self, *args: str) -> str:
        output = io.StringIO()
        call_command("job_automation_cleanup", *args, stdout=output)
        return output.getvalue()

    def test_old_runs_go_with_their_findings_and_jobs_stay(self):
        assert self.printed("--dry-run") == "1 runs with 2 findings would be deleted\n"
        assert self.printed() == "1 runs with 2 findings deleted\n"
        assert self.printed() == "0 runs with 0 findings deleted\n"

        assert Job.objects.count() == 2
        # The one at work, and the younger one.
        assert Run.objects.count() == 2
        assert Finding.objects.count() == 2

    def test_days_take_the_place_of_the_setting(self):
        assert json.loads(self.printed("--days", "0", "--json"))["runs"] == 2

    def test_wrong_number_of_days_is_named(self):
        with pytest.raises(CommandError, match="is not a number of days"):
            self.printed("--days", "x")
