"""Runs that are killed, met by another, or told to stop."""

import json
import signal
from collections import Counter

import pytest

from django_system_ops.models import SentimentAggregate, SentimentScore
from django_system_ops.services.locking import command_lock
from tests.processes import read_until
from tests.system_ops.sentiment.conftest import BAD, GOOD, PLAIN, UTTERANCES, analyse, say
from tests.system_ops.shop.models import Utterance

pytestmark = pytest.mark.django_db(transaction=True)

# Dies in the third batch: before its transaction, in the midst of it, or behind it.
DIES = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
from django_system_ops.services.sentiment.writing import Store
step, calls = sys.argv.pop(1), []
original = getattr(Store, step.rstrip("+"))
def die(self, *args):
    calls.append(1)
    is_last = len(calls) == int(sys.argv[1])
    if is_last and not step.endswith("+"):
        os.kill(os.getpid(), signal.SIGKILL)
    found = original(self, *args)
    if is_last:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(Store, step.rstrip("+"), die)
call_command("analyze_sentiment", *sys.argv[2:])
"""

# Waits in its second batch until it is told to go on.
WAITS = """
import sys, django
django.setup()
from django.core.management import call_command
from django_system_ops.services.sentiment.writing import Store
write, calls = Store.write, []
def wait(self, *args):
    calls.append(1)
    if len(calls) == 2:
        print("here", flush=True)
        sys.stdin.readline()
    return write(self, *args)
Store.write = wait
call_command("analyze_sentiment", *sys.argv[1:])
"""

BOTH = """
import sys, django
django.setup()
from django.core.management import call_command
print("here", flush=True)
call_command("analyze_sentiment", "--no-lock", "--batch-size=3", *sys.argv[1:])
"""


def assert_sums_are_those_of_the_scores():
    counted = Counter()
    for one in SentimentScore.objects.all():
        counted[one.day, one.agent, one.label] += 1
        if one.label != "unknown":
            counted[one.day, one.agent, "score_sum"] += round(one.score * 10_000)
    kept = {
        (row.day, row.agent, name): getattr(row, name)
        for row in SentimentAggregate.objects.all()
        for name in ("positive", "negative", "neutral", "unknown", "score_sum")
        if getattr(row, name)
    }
    assert kept == {key: count for key, count in counted.items() if count}


@pytest.mark.parametrize(
    ("step", "call", "batches"),
    [
        ("write", 3, 2),
        ("_locked", 3, 2),
        ("_upsert", 5, 2),
        ("_upsert", 6, 2),
        ("_copy", 3, 2),
        ("_copy+", 3, 2),
        ("write+", 3, 3),
    ],
)
def test_killed_run_is_finished_by_the_next_one(run_python, sentiment, step, call, batches):
    sentiment(**UTTERANCES, fields={"label": "sentiment"})
    say(*[GOOD, BAD] * 5, agent="Ana")

    process = run_python(DIES, step, str(call), "--batch-size=2")

    assert process.wait(60) == -signal.SIGKILL
    assert SentimentScore.objects.count() == 2 * batches
    assert Utterance.objects.exclude(sentiment="").count() == 2 * batches
    assert_sums_are_those_of_the_scores()

    found = analyse("--wait-lock=30")

    assert (found["scored"], found["skipped"]) == (10 - 2 * batches, 2 * batches)
    assert_sums_are_those_of_the_scores()
    assert not Utterance.objects.filter(sentiment="").exists()


def test_two_at_once_do_not_meet(manage, ops_env):
    say(GOOD)
    with command_lock(["analyze_sentiment"]):
        found = manage("analyze_sentiment", "--json", env=ops_env)

    assert found.returncode == 75
    assert "analyze_sentiment is running already" in json.loads(found.stdout)["error"]
    assert not SentimentScore.objects.exists()


def test_two_tenants_may_be_scored_at_once(manage, ops_env):
    say(GOOD, tenant="acme")
    say(GOOD, tenant="zenith")
    with command_lock(["analyze_sentiment:acme"]):
        assert manage("analyze_sentiment", "--tenant=acme", env=ops_env).returncode == 75
        assert manage("analyze_sentiment", "--tenant=zenith", env=ops_env).returncode == 0

    assert SentimentScore.objects.get().tenant == "zenith"


def test_two_without_a_lock_count_each_message_once(run_python):
    say(*[GOOD, BAD, PLAIN] * 20, agent="Ana")

    both = [run_python(BOTH), run_python(BOTH, "--reanalyze")]
    for process in both:
        assert process.wait(120) == 0, process.stdout.read()

    assert SentimentScore.objects.count() == 60
    assert_sums_are_those_of_the_scores()


def test_messages_that_come_in_meanwhile_are_for_the_next_run(monkeypatch):
    from django_system_ops.services.sentiment.writing import Store

    say(*[GOOD] * 4)
    write = Store.write

    def write_and_say(self, *args):
        say(BAD)
        write(self, *args)

    monkeypatch.setattr(Store, "write", write_and_say)
    assert analyse("--batch-size=1")["scored"] == 4
    monkeypatch.undo()

    assert analyse()["scored"] == 4
    assert_sums_are_those_of_the_scores()


def test_message_that_is_deleted_meanwhile_is_no_trouble(monkeypatch, sentiment):
    from django_system_ops.services.sentiment.writing import Store

    sentiment(**UTTERANCES, fields={"label": "sentiment", "score": "sentiment_score"})
    say(GOOD, BAD)
    write = Store.write

    def delete_and_write(self, *args):
        Utterance.objects.all().delete()
        write(self, *args)

    monkeypatch.setattr(Store, "write", delete_and_write)

    assert analyse()["status"] == 0
    assert not Utterance.objects.exists()


def test_lost_lock_ends_it_between_batches(monkeypatch):
    from django_system_ops.exceptions import LockLostError
    from django_system_ops.management.base import SystemOpsCommand

    say(*[GOOD] * 6)
    calls = []

    def check(self):
        calls.append(1)
        if len(calls) == 5:
            raise LockLostError("It is lost.")

    monkeypatch.setattr(SystemOpsCommand, "check_lock", check)
    found = analyse("--batch-size=2")

    assert (found["status"], found["sentence"]) == (1, "It is lost.")
    assert SentimentScore.objects.count() == 4
    assert_sums_are_those_of_the_scores()


def test_sigterm_leaves_what_was_written(spawn, ops_env):
    say(*[GOOD] * 6)
    source = WAITS.replace("*sys.argv[1:]", "'--batch-size=2'").replace(
        "sys.stdin.readline()", "import time; time.sleep(60)"
    )
    source = source.replace(
        'call_command("analyze',
        "from django_opskit.stopping import terminate_as_interrupt\n"
        'with terminate_as_interrupt(): call_command("analyze',
    )
    process = spawn("shell", "-c", source, env=ops_env)
    read_until(process, "here")
    process.terminate()
    process.wait(30)

    assert process.returncode != 0
    assert SentimentScore.objects.count() == 2
    assert_sums_are_those_of_the_scores()
