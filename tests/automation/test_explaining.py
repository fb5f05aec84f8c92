"""explain_site says what the rules say, and why."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_job_automation.models import MaintenanceWindow, Reading, Site
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, CASES, ago, daily
from tests.automation.test_running import plant

pytestmark = pytest.mark.django_db


def explained(key: str, *args: str) -> str:
    output = io.StringIO()
    call_command("explain_site", key, "--as-of", AS_OF.isoformat(), *args, stdout=output)
    return output.getvalue()


def test_flat_site_is_explained(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: AS_OF)
    plant("A", [*daily([5] * 5), (ago(-2), "9"), (ago(hours=1), None)])
    run_automation(started_by="test", as_of=AS_OF)

    text = explained("A")

    assert "Site A (Plant A), as of 2026-11-20 06:00 UTC" in text
    assert "Rules look at it: yes" in text
    assert "no_coms: not flagged: talks; last read 2026-11-20 00:00 UTC, limit 3 days" in text
    assert "zero_reads: flagged: flat; 4 moments in 4 days, at least 3 wanted" in text
    assert "Data: clock_error" in text
    assert "Open jobs: zero_reads #" in text
    assert "2026-11-22 06:00 UTC  9.000000  in the future: counts as none" in text
    assert "2026-11-20 05:00 UTC  no value: counts as none" in text
    assert "2026-11-20 00:00 UTC  5.000000  in the window" in text


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"snoozed_until": ago(-1)}, "snoozed until 2026-11-21 06:00 UTC"),
        ({"is_active": False}, "an inactive one"),
    ],
)
def test_site_that_no_rule_looks_at(known, words):
    plant("A", **known)

    assert words in explained("A")
    assert json.loads(explained("A", "--json"))["no_coms"]["flagged"] is False


@pytest.mark.parametrize(
    ("scope", "words"),
    [("group:north", "it is in a maintenance window"), ("group:south", "Rules look at it: yes")],
)
def test_window_is_named(scope, words):
    plant("A", group="north")
    MaintenanceWindow.objects.create(scope=scope, starts_at=ago(1), ends_at=ago(-1))

    assert words in explained("A")


def test_unknown_site_is_wrong_usage():
    with pytest.raises(CommandError, match="There is no site 'x'") as raised:
        explained("x")

    assert raised.value.returncode == 2


@pytest.mark.parametrize("case", [one for one in CASES if not one.is_ambiguous], ids=str)
def test_it_says_of_each_case_what_the_rules_say(case, settings):
    settings.JOB_AUTOMATION = {"ZERO_READS": {"min_increase": case.min_increase}}
    site = Site.objects.create(site_id="A", commissioned_at=case.commissioned_at)
    Reading.objects.bulk_create(
        Reading(site=site, reading_date=one.at, reading_value=one.value) for one in case.readings
    )
    output = io.StringIO()

    call_command("explain_site", "A", as_of=case.as_of, json=True, stdout=output)

    found = json.loads(output.getvalue())
    assert (found["no_coms"]["flagged"], found["zero_reads"]["flagged"]) == (
        case.no_coms,
        case.zero_reads,
    )


def test_what_came_later_is_not_there_in_a_backtest():
    plant("A", [*daily(range(20, 10, -1)), (ago(-1), "30"), (ago(-2), "31")])

    text = explained("A")

    assert "Data: nothing is wrong with it" in text
    assert "2026-11-22" not in text
