"""The example's plants: a schema of its own, and exactly the jobs that its faults call for."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from django_job_automation.checks import check_adapter, check_settings
from django_job_automation.services.running import run_automation
from django_opskit.tasks import IMPLEMENTATION
from django_outbox.dispatcher import run_once
from plants import faults
from plants.management.commands.seed_plants import Command
from plants.models import Plant, Telemetry, WorkOrder

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def adapter(settings):
    settings.JOB_AUTOMATION = {"ADAPTER": "plants.adapter.Plants"}


def test_adapter_fits_the_schema():
    assert [*check_settings(), *check_adapter()] == []


@pytest.mark.parametrize("hour", [0, 3, 6, 12, 21])
def test_jobs_are_those_that_the_faults_call_for(hour, monkeypatch):
    """At any time of the day: a night makes nothing silent or flat."""
    now = datetime(2026, 6, 20, hour, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    Command._make(list(faults.PLANTS), now)

    first = run_automation(started_by="test", as_of=now)
    second = run_automation(started_by="test", as_of=now + timedelta(minutes=5))

    called_for = {(one.code, one.kind) for one in faults.PLANTS if one.kind}
    assert set(WorkOrder.objects.values_list("plant__code", "kind")) == called_for
    noted = {(note.key, note.kind) for rule in first.rules for note in rule.notes}
    assert noted == {(one.code, one.note) for one in faults.PLANTS if one.note}
    assert (first.created, second.created) == (len(called_for), 0)


def test_seeding_again_makes_nothing():
    outputs = []
    for _ in range(2):
        output = io.StringIO()
        call_command("seed_plants", stdout=output)
        outputs.append(output.getvalue())

    assert outputs == ["9 plants made\n", "0 plants made\n"]
    assert Plant.objects.count() == 9
    assert Telemetry.objects.filter(plant__code="P01").count() == 14 * 24 + 1


def test_dry_run_makes_nothing():
    call_command("seed_plants", dry_run=True, stdout=io.StringIO())

    assert not Plant.objects.exists()


class TestApi:
    """What the example serves of job automation's API."""

    @pytest.fixture(autouse=True)
    def _framework(self) -> None:
        pytest.importorskip("rest_framework", reason="Django REST framework is an extra")

    def test_worker_of_the_outbox_runs_the_rules(self, client, settings):
        settings.JOB_AUTOMATION = {"ADAPTER": "plants.adapter.Plants"}
        call_command("seed_plants", stdout=io.StringIO())
        client.force_login(User.objects.create_superuser("root"))

        accepted = client.post("/api/job-automation/run-manual/", {}, "application/json")

        assert accepted.status_code == (201 if IMPLEMENTATION == "inline" else 202)
        run_once()
        summary = client.get("/api/job-automation/dashboard/").json()["summary"]
        assert (summary["total_no_coms"], summary["total_zero_reads"]) == (2, 2)

    def test_schema_names_it(self, client):
        schema = client.get("/api/schema/")

        assert schema.status_code == 200
        assert b"/api/job-automation/run-manual/" in schema.content
        assert client.get("/api/job-automation/dashboard/").status_code in (401, 403)
