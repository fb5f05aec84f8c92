"""The published reference: names, fields, defaults, payload and output."""

import io
import json
import signal
import uuid

import pytest
import requests
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_health_check_job import utils
from django_health_check_job.conf import get_published
from django_health_check_job.models import Check, HeathCheckJob
from tests.health.servers import monitoring_server
from tests.processes import read_until

SAMPLES = "tests.health.sample_checks"


def payload():
    return {
        "uuid": str(uuid.uuid4()),
        "timestamp": "2023-11-20T12:00:00.000000",
        "checks": [
            {"name": "DatabaseBackend", "status": 1, "message": "working"},
            {"name": "CacheBackend", "status": 0, "message": "unavailable"},
        ],
    }


@pytest.fixture
def server():
    with monitoring_server() as one:
        yield one


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("id", models.AutoField),
        ("name", models.CharField),
        ("status", models.IntegerField),
        ("message", models.TextField),
        ("created_at", models.DateTimeField),
        ("updated_at", models.DateTimeField),
    ],
)
def test_field_is_as_published(name, kind):
    assert isinstance(HeathCheckJob._meta.get_field(name), kind)


def test_details_of_the_fields_are_as_published():
    assert HeathCheckJob._meta.get_field("name").max_length == 50
    assert HeathCheckJob._meta.get_field("created_at").auto_now_add
    assert HeathCheckJob._meta.get_field("updated_at").auto_now
    assert HeathCheckJob._meta.db_table == "django_health_check_job_heathcheckjob"


@pytest.mark.django_db
def test_str_is_the_id():
    one = HeathCheckJob.objects.create(name="DatabaseBackend", status=1, message="working")

    assert str(one) == str(one.id)
    assert HeathCheckJob.objects.filter(created_at__gte=timezone.now().replace(year=2020)).get()


def test_defaults_are_as_published(settings):
    for name in type(get_published()).model_fields:
        if hasattr(settings, name):
            delattr(settings, name)

    published = get_published()

    assert published.HEALTH_CHECK_INTERVAL == 5
    assert published.PERSIST_HEALTH_CHECK_DATA is False
    assert published.SYNC_HEALTH_CHECK_DATA is False
    assert published.SYNC_SERVER_URL is None
    assert published.SYNC_APP_ID is None


def test_error_is_an_exception_of_utils():
    assert issubclass(utils.DjangoHealthCheckJobError, Exception)


@pytest.mark.django_db
def test_save_stores_each_check_in_one_statement(django_assert_max_num_queries):
    utils.save_health_check_data_to_db(payload())
    with CaptureQueriesContext(connection) as queries:
        utils.save_health_check_data_to_db({"checks": payload()["checks"]})

    inserts = [one for one in queries if 'INTO "django_health' in one["sql"].replace("`", '"')]
    assert sum("heathcheckjob" in one["sql"] for one in inserts) == 1
    rows = HeathCheckJob.objects.order_by("id").values_list("name", "status", "message")
    assert list(rows)[:2] == [
        ("DatabaseBackend", 1, "working"),
        ("CacheBackend", 0, "unavailable"),
    ]
    assert HeathCheckJob.history.count() == 0


@pytest.mark.django_db
def test_extra_keys_never_raise_and_no_message_is_an_empty_one():
    check = {"name": "x" * 300, "status": True, "message": None, "region": "eu"}

    utils.save_health_check_data_to_db({"checks": [check], "host": "a"})

    row = HeathCheckJob.objects.get()
    assert (len(row.name), row.status, row.message) == (50, 1, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"checks": None},
        {"checks": ["text"]},
        {"checks": [{"name": "A", "status": 2}]},
        {"checks": [{"name": "A", "status": None}]},
        {"checks": [{"name": None, "status": 1}]},
        {"checks": [{"name": "A", "status": 1, "message": 5}]},
        {"checks": [{"name": "A", "status": 1}], "uuid": "no"},
        {"checks": [{"name": "A", "status": 1}], "timestamp": "yesterday"},
        {"checks": [{"name": "A", "status": 1}], "sync_app_id": 7},
        {"checks": [{"name": "A", "status": 1, "checked_at": ""}]},
    ],
)
def test_wrong_payload_is_named_and_nothing_is_stored(wrong):
    with pytest.raises(utils.DjangoHealthCheckJobError, match="must be|is a dict"):
        utils.save_health_check_data_to_db(wrong)

    assert not HeathCheckJob.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("persist", [False, True])
@pytest.mark.parametrize("sync", [False, True])
def test_process_does_what_the_two_flags_say(settings, server, persist, sync):
    settings.PERSIST_HEALTH_CHECK_DATA, settings.SYNC_HEALTH_CHECK_DATA = persist, sync
    settings.SYNC_SERVER_URL, settings.SYNC_APP_ID = server.url, "shop"

    assert utils.process_payload(payload()) is None

    assert HeathCheckJob.objects.count() == (2 if persist else 0)
    assert len(server.requests) == int(sync)


@pytest.mark.django_db
def test_failure_of_one_half_does_not_stop_the_other(settings, server):
    settings.PERSIST_HEALTH_CHECK_DATA = settings.SYNC_HEALTH_CHECK_DATA = True
    settings.SYNC_SERVER_URL, settings.SYNC_APP_ID = server.url, "shop"
    broken = {"checks": [{"name": "A", "status": 9}]}

    with pytest.raises(utils.DjangoHealthCheckJobError):
        utils.process_payload(broken)

    assert len(server.requests) == 1


@pytest.mark.parametrize("slash", ["", "/"])
def test_sync_posts_the_published_bytes(settings, server, slash):
    settings.SYNC_SERVER_URL, settings.SYNC_APP_ID = f"{server.url}{slash}", "shop"
    sent = payload()
    before = json.dumps(sent)

    utils.sync_health_check_data_to_monitoring_server(sent)

    [(path, headers, body)] = server.requests
    assert path == "/v1/metrics"
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == sent["uuid"]
    assert body == json.dumps({**sent, "sync_app_id": "shop"}).encode()
    assert json.dumps(sent) == before


@pytest.mark.parametrize("name", ["SYNC_SERVER_URL", "SYNC_APP_ID"])
@pytest.mark.parametrize("value", ["", None, "absent"])
def test_missing_setting_is_named(settings, name, value):
    settings.SYNC_SERVER_URL, settings.SYNC_APP_ID = "http://127.0.0.1:9", "shop"
    if value == "absent":
        delattr(settings, name)
    else:
        setattr(settings, name, value)

    with pytest.raises(utils.DjangoHealthCheckJobError, match=f"^{name} setting is not set$"):
        utils.sync_health_check_data_to_monitoring_server(payload())


@pytest.mark.parametrize("status", [302, 307, 400, 404, 500, 503])
def test_refusal_of_the_server_is_an_http_error(settings, server, status):
    settings.SYNC_SERVER_URL, settings.SYNC_APP_ID = server.url, "shop"
    server.status, server.headers = status, {"Location": f"{server.url}/elsewhere"}

    with pytest.raises(requests.exceptions.HTTPError, match=str(status)):
        utils.sync_health_check_data_to_monitoring_server(payload())

    assert len(server.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_once_prints_the_published_lines_and_ends_well(health):
    health(CHECKS=[{"CHECK": f"{SAMPLES}.fine", "NAME": "DatabaseBackend"}])
    output = io.StringIO()

    call_command("monitor", once=True, stdout=output, no_color=True)

    assert output.getvalue() == "DatabaseBackend          ... OK\n"
    assert Check.objects.get().last_state == "UP"


@pytest.mark.django_db(transaction=True)
def test_once_fails_when_a_critical_check_does(health):
    gone = {"CHECK": f"{SAMPLES}.depends_on", "OPTIONS": {"path": "/nowhere/flag"}, "NAME": "Flag"}
    health(CHECKS=[gone])
    output = io.StringIO()

    with pytest.raises(CommandError, match="Not healthy: Flag") as caught:
        call_command("monitor", once=True, stdout=output, force_color=True)
    assert caught.value.returncode == 1
    assert "\x1b[31" in output.getvalue()
    assert "flag is gone" in output.getvalue()

    health(CHECKS=[{**gone, "CRITICAL": False}])
    call_command("monitor", once=True, stdout=output)


@pytest.mark.django_db(transaction=True)
def test_unknown_check_and_wrong_interval_are_wrong_usage(health, manage):
    health(CHECKS=[f"{SAMPLES}.fine"])
    with pytest.raises(CommandError, match="No check is called 'nothing'") as caught:
        call_command("monitor", once=True, check=["nothing"])
    assert caught.value.returncode == 2

    assert manage("monitor", "--interval", "0").returncode == 2


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_healthy", [True, False])
def test_loop_goes_on_until_it_is_interrupted(spawn, monitor_env, tmp_path, sent, is_healthy):
    flag = tmp_path / "flag"
    if is_healthy:
        flag.touch()
    checks = [
        {"CHECK": f"{SAMPLES}.depends_on", "OPTIONS": {"path": str(flag)}, "NAME": "Flag"},
        {"CHECK": f"{SAMPLES}.leak", "OPTIONS": {"text": "hunter2"}, "CRITICAL": False},
    ]
    process = spawn("monitor", "--interval", "0.2", env=monitor_env(*checks))

    for _ in range(3):
        output = read_until(process, "... unexpected ValueError")
        assert "Flag                     ... " in output
    process.send_signal(sent)
    rest, _ = process.communicate(timeout=120)

    assert process.returncode == (0 if is_healthy else 1), rest
    assert "hunter2" not in output + rest
    assert HeathCheckJob.objects.filter(name="Flag", status=int(is_healthy)).count() >= 3
