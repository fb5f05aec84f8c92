"""The command: its options, what it prints, and its exit status."""

import io
import json
import os

import django
import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from django_opskit.commands import UsageError
from tests.system_ops.health.servers import api_server

pytestmark = pytest.mark.django_db

QUICK = ("--duration=0.1", "--interval=0.05")


def said(*args, **options):
    """Return what the command printed, and the error that it ended with."""
    out = io.StringIO()
    try:
        call_command("monitor_performance", *args, stdout=out, no_color=True, **options)
    except CommandError as error:
        return out.getvalue(), error
    return out.getvalue(), None


def lines_of(*args, **options):
    """Return the documents that the command printed, and the error that it ended with."""
    out, error = said(*args, **options)
    return [json.loads(line) for line in out.splitlines()], error


@pytest.fixture
def narrow(configure):
    """Limits so narrow that the database's latency is always above them."""
    configure(performance={"database_latency_ms": 1e-6})


def test_table_and_verdict_come_at_the_end():
    out, _ = said(*QUICK)

    lines = out.splitlines()
    assert lines[0] == "Measuring machine, database for 0.1 s."
    head = next(line for line in lines if line.startswith("metric"))
    assert head.split() == ["metric", "p50", "p95", "p99", "max", "limit", "max", "%"]
    assert any(line.startswith("database latency") for line in lines)
    assert "ottleneck" in lines[-1]


def test_duration_is_60_seconds_by_default():
    from django.core.management import load_command_class

    command = load_command_class("django_system_ops", "monitor_performance")
    parser = command.create_parser("manage.py", "monitor_performance")

    assert parser.parse_args([]).duration == 60


def test_duration_and_interval_make_the_number_of_samples():
    documents, _ = lines_of("--duration=0.5", "--interval=0.1", "--json")

    summary = documents[-1]
    assert summary["samples"] + summary["skipped_ticks"] == 5
    assert len(documents) == summary["samples"] + 1


@pytest.mark.parametrize("option", ["--json", "--json-lines"])
def test_json_lines_are_one_for_each_sample_and_one_for_the_whole(option):
    documents, error = lines_of(*QUICK, option)

    assert [one["kind"] for one in documents][-1] == "summary"
    assert {one["kind"] for one in documents[:-1]} == {"sample"}
    memory = documents[0]["metrics"]["memory"]
    assert set(memory) == {"value", "unit", "limit", "percent"}
    assert set(documents[-1]["metrics"]["memory"]) == {
        "unit", "limit", "samples", "p50", "p95", "p99", "max", "max_percent",
    }  # fmt: skip
    assert error is None or error.returncode == 3


def test_alert_is_exit_status_3_and_the_run_goes_to_its_end(narrow):
    out, error = said(*QUICK, "--consecutive=1")

    assert error.returncode == 3
    assert "database latency (1)" in str(error)
    assert "ALERT  database latency: " in out
    assert "Bottleneck: " in out


def test_alert_threshold_is_90_percent_of_the_limit_by_default(configure):
    from django_system_ops.conf import get_conf

    assert get_conf().performance.alert_threshold == 90


def test_alert_threshold_of_the_command_line_comes_first(configure):
    configure(performance={"alert_threshold": 100})

    _, error = said(*QUICK, "--consecutive=1", "--alert-threshold=0.0000001")

    assert (error.returncode, "memory" in str(error)) == (3, True)


@pytest.mark.parametrize("text", ["0", "-1", "100.1", "nan", "much"])
def test_alert_threshold_that_is_none_is_refused(text):
    _, error = said(f"--alert-threshold={text}")

    assert f"'{text}' is not a number above 0 and up to 100" in str(error)


@pytest.mark.parametrize("option", ["--duration=-1", "--interval=0", "--interval=3601"])
def test_time_that_is_none_is_refused(option):
    _, error = said(option)

    assert "is not a number from" in str(error)


def test_consecutive_says_how_many_samples_make_an_alert(narrow):
    documents, error = lines_of("--duration=0.2", "--interval=0.1", "--json", "--consecutive=99")

    assert documents[-1]["alerts"] == {}
    assert error is None


def test_consecutive_of_nothing_is_wrong_usage():
    _, error = said("--consecutive=0")

    assert isinstance(error, UsageError)
    assert str(error) == "--consecutive has to be 1 or more, got 0."


def test_url_is_measured():
    with api_server() as server:
        documents, _ = lines_of(*QUICK, "--json", f"--url={server.url}/200")

    assert "url latency" in documents[-1]["metrics"]


def test_url_of_the_settings_is_measured_without_the_option(configure):
    with api_server() as server:
        configure(performance={"url": f"{server.url}/500"})
        documents, error = lines_of(*QUICK, "--json", "--consecutive=1")

    assert documents[0]["failing"] == {"url": "answers 500"}
    assert error.returncode == 3


def test_target_pid_is_measured():
    documents, _ = lines_of(*QUICK, "--json", f"--target-pid={os.getpid()}")

    assert "process memory" in documents[-1]["metrics"]


def test_target_pid_that_is_not_there_is_wrong_usage():
    _, error = said("--target-pid=999999999")

    assert isinstance(error, UsageError)


def test_database_that_is_not_there_is_wrong_usage():
    _, error = said("--database=other")

    assert isinstance(error, UsageError)


def test_verbosity_2_shows_each_sample():
    out, _ = said(*QUICK, "--verbosity=2")

    assert sum("database latency" in line for line in out.splitlines()) >= 2


def test_alert_is_told_where_the_site_is_told_of_failures(narrow, configure, settings):
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    configure(notify={"email": ["ops@example.com"]})

    said(*QUICK, "--consecutive=1")

    subjects = [message.subject for message in mail.outbox]
    assert any("Alert: database latency on " in subject for subject in subjects)
