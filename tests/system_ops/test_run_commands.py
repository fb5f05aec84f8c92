"""What the history says: ops_runs and ops_metrics."""

import io
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from django_system_ops.models import CommandRun
from django_system_ops.services import metrics

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 28, 4, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def recorded(configure):
    configure(history={"enabled": True, "commands": ["shop_*"]})


def said(*args, **options):
    out = io.StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


def document(*args, **options):
    return json.loads(said(*args, json=True, **options))


def work(end="good"):
    with suppress(CommandError):
        call_command("shop_work", stdout=io.StringIO(), end=end)


def test_newest_run_comes_first():
    work()
    work("failure")

    lines = said("ops_runs").splitlines()

    assert ["FAILED" in lines[0], "SUCCEEDED" in lines[1]] == [True, True]
    assert lines[0].endswith("shop_work: The disk is full.")


def test_command_name_and_limit_and_failed():
    for end in ("good", "failure", "good"):
        work(end)

    assert len(document("ops_runs", "shop_work", limit=2)["runs"]) == 2
    assert [one["status"] for one in document("ops_runs", failed=True)["runs"]] == ["FAILED"]
    assert document("ops_runs", "other") == {"runs": []}
    assert "no such runs" in said("ops_runs", "other")


def test_limit_has_to_be_positive():
    with pytest.raises(CommandError, match="--limit 0: it has to be 1 or more"):
        said("ops_runs", limit=0)


def test_run_shows_output_and_arguments():
    work()
    run_id = str(CommandRun.objects.get().run_id)

    text = said("ops_runs", run=run_id[:8])

    assert "end=good" in text
    assert text.endswith("working\n")


def test_run_that_is_not_there_is_wrong_usage():
    with pytest.raises(CommandError, match="--run 'ffff': no runs begin with that") as refused:
        said("ops_runs", run="ffff")
    assert refused.value.returncode == 2


def figures(text):
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


def test_metrics_of_last_success_duration_and_outcome():
    ended = NOW - timedelta(hours=3)
    common = {"name": "backup_data", "started_at": ended, "finished_at": ended}
    CommandRun.objects.create(**common, status="SUCCEEDED", duration_seconds=12.5)
    CommandRun.objects.create(**common, status="FAILED", duration_seconds=0.25)
    CommandRun.objects.create(**common, status="SUCCEEDED", is_dry_run=True)
    CommandRun.objects.create(name="worker_run", status="RUNNING", started_at=ended)

    found = figures(metrics.render(NOW, using="default"))

    label = 'command="backup_data"'
    assert found[f"opskit_command_last_success_age_seconds{{{label}}}"] == "10800.000"
    assert found[f"opskit_command_last_duration_seconds{{{label}}}"] == "0.250"
    assert found[f'opskit_command_last_outcome{{{label},outcome="failed"}}'] == "1"
    assert found[f'opskit_command_last_outcome{{{label},outcome="succeeded"}}'] == "0"
    assert found[f"opskit_command_running{{{label}}}"] == "0"
    assert found['opskit_command_running{command="worker_run"}'] == "1"


def test_prometheus_reads_the_metrics():
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    work()

    families = list(parser.text_string_to_metric_families(said("ops_metrics").rstrip() + "\n"))

    assert {family.name for family in families} >= {"opskit_command_last_outcome"}


def test_metrics_of_schedules(configure):
    configure(schedule={"nightly": {"command": "shop_work", "cron": "0 2 * * *"}})

    found = figures(metrics.render(NOW, using="default"))

    assert found['opskit_schedule_overdue{schedule="nightly",command="shop_work"}'] == "0"


def test_output_puts_the_metrics_into_a_file(tmp_path):
    work()
    file = tmp_path / "opskit.prom"

    assert said("ops_metrics", output=file) == f"Wrote {file}.\n"

    assert file.read_text().endswith("# EOF\n")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["opskit.prom"]


def test_number_of_statements_does_not_grow(django_assert_num_queries):
    for number in range(30):
        CommandRun.objects.create(
            name=f"c{number}", status="SUCCEEDED", started_at=NOW, finished_at=NOW
        )

    with django_assert_num_queries(4):
        metrics.render(NOW, using="default")
