"""The doctor names what is wrong with the monitoring itself."""

import io
import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_health_check_job.models import Delivery
from django_health_check_job.services.lease import Lease
from tests.health.making import Site, seconds
from tests.health.servers import monitoring_server

pytestmark = pytest.mark.django_db


def doctor(*args):
    output = io.StringIO()
    try:
        call_command("monitor_doctor", *args, json=True, stdout=output)
    except CommandError as error:
        return json.loads(output.getvalue()), error.returncode
    return json.loads(output.getvalue()), 0


def codes(document):
    return [one["code"] for one in document["findings"]]


@pytest.fixture
def leading():
    Lease("elsewhere|1|1|a", seconds=60, using="default").extend()


def test_well_site_has_no_findings(health, leading):
    health(CHECKS=["tests.health.sample_checks.fine"])

    document, status = doctor()

    assert (status, codes(document)) == (0, [])
    assert [one["slug"] for one in document["checks"]] == ["fine"]


def test_what_is_wrong_is_named(health, settings):
    Site().record(timezone.now() - seconds(600), A="UP")
    health(CHECKS=["nowhere.to.be_found"])
    spool = Path(settings.HEALTH_CHECK_JOB["SPOOL_DIR"])
    spool.mkdir()
    (spool / "dead.spool").write_text("something")

    document, status = doctor()

    assert status == 3
    assert codes(document) == ["check", "monitor", "stale", "spool"]


def test_server_that_refuses_is_found(leading, settings):
    old = timezone.now() - timedelta(hours=1)
    Delivery.objects.create(key=uuid4(), payload="{}", created_at=old)
    Delivery.objects.create(
        key=uuid4(), payload="{}", created_at=old, refused_at=old, last_error="HTTPError 400"
    )
    with monitoring_server() as server:
        settings.SYNC_HEALTH_CHECK_DATA = True
        settings.SYNC_SERVER_URL, settings.SYNC_APP_ID = server.url, "shop"
        taken, _ = doctor()
        server.status = 403
        refused, status = doctor()
        silent, _ = doctor("--no-sync")

    assert codes(taken) == ["unsent", "refused"]
    assert codes(refused) == ["unsent", "refused", "sync"]
    assert status == 3
    assert codes(silent) == codes(taken)
    assert "HTTPError 403" in refused["findings"][-1]["sentence"]
    assert len(server.requests) == 2


def test_it_speaks_to_people_too(leading):
    output = io.StringIO()

    call_command("monitor_doctor", stdout=output)

    assert "Database default: every 5 s, at most 5 s" in output.getvalue()
    assert "Sent to: nobody" in output.getvalue()
