"""Rounds are stored whole, once, and with their figures."""

import random
import threading
from collections import Counter

import django
import pytest
from django.db import connection
from django.utils import timezone

from django_health_check_job.engine.outcome import State
from django_health_check_job.models import (
    Check,
    CheckConfig,
    Delivery,
    HeathCheckJob,
    MonitorRound,
    Rollup,
    StateChange,
)
from django_health_check_job.services import announcing, rollups
from django_health_check_job.services.overrides import apply_overrides, read_overrides
from django_health_check_job.services.recording import record_entry
from tests.health.making import NOON, Site, seconds
from tests.health.specs import spec

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def persistent(settings):
    settings.PERSIST_HEALTH_CHECK_DATA = True


def recomputed(span):
    buckets = {}
    for row in HeathCheckJob.objects.all():
        key = (row.check_row_id, rollups.bucket_start(row.checked_at, span))
        one = buckets.setdefault(key, {"states": Counter(), "times": []})
        one["states"][row.state] += 1
        one["times"].append(round(row.duration_seconds * 1_000_000))
    return {
        key: (
            *(one["states"][state] for state in ("UP", "WARN", "UNKNOWN", "DOWN")),
            sum(one["times"]),
            min(one["times"]),
            max(one["times"]),
        )
        for key, one in buckets.items()
    }


def stored(span):
    rows = Rollup.objects.filter(span=span).values_list(
        *("check_row_id", "starts_at", "ups", "warns", "unknowns", "downs"),
        *("total_us", "least_us", "most_us"),
    )
    return {row[:2]: row[2:] for row in rows}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rollups_equal_what_the_results_give(seed):
    chance = random.Random(seed)
    site = Site()
    for _ in range(40):
        states = {name: chance.choice(["UP", "WARN", "UNKNOWN", "DOWN"]) for name in "ABC"}
        # Late ones too: a spool is written after what came behind it.
        site.record(NOON + seconds(chance.randint(0, 200_000)), chance.random(), **states)

    for span in Rollup.Span.values:
        assert stored(span) == recomputed(span)
        assert len(stored(span)) > 2


def test_round_is_stored_once_however_often_it_is_recorded():
    entry = Site().record(A="UP", B="DOWN")

    record_entry(entry, monitor="test", is_replay=True)

    assert HeathCheckJob.objects.count() == 2
    assert MonitorRound.objects.get().uuid == entry.round.uuid
    assert set(Rollup.objects.values_list("ups", "downs")) == {(1, 0), (0, 1)}


def test_row_knows_its_check_its_round_and_its_time():
    entry = Site().record(NOON, 0.25, A="WARN")

    row = HeathCheckJob.objects.get()
    assert (row.name, row.status, row.state, row.duration_seconds) == ("A", 1, "WARN", 0.25)
    assert (row.round, row.checked_at, row.check_row.slug) == (entry.round.uuid, NOON, "a")
    assert HeathCheckJob.history.count() == 0


def test_without_persistence_one_row_per_check_is_kept(settings):
    settings.PERSIST_HEALTH_CHECK_DATA = False
    site = Site()
    for number in range(5):
        site.record(NOON + seconds(number), A="UP")

    assert Check.objects.get().last_at == NOON + seconds(4)
    assert not HeathCheckJob.objects.exists()
    assert not Rollup.objects.exists()
    assert not MonitorRound.objects.exists()


def test_replayed_round_that_is_older_changes_no_state():
    site = Site(failures=1)
    old = site.entry(NOON, A="DOWN")
    site.record(NOON + seconds(60), A="UP")

    record_entry(old, monitor="test", is_replay=True)

    assert Check.objects.get().last_state == "UP"
    assert HeathCheckJob.objects.count() == 2


def test_change_is_announced_once(changes):
    site = Site(failures=2)
    keys = []
    for number, state in enumerate(["UP", "DOWN", "DOWN", "DOWN", "UP", "UP"]):
        entry = site.entry(NOON + seconds(number), A=state)
        keys += record_entry(entry, monitor="test")
        announcing.announce(keys)

    assert [(one["old"], one["new"]) for one in changes] == [
        ("UNKNOWN", "UP"),
        ("UP", "DOWN"),
        ("DOWN", "UP"),
    ]
    assert changes[1]["message"] == "A says DOWN"
    assert not StateChange.objects.filter(announced_at=None).exists()


def test_change_that_nobody_lived_to_announce_is_announced_later(changes):
    Site().record(NOON, A="UP")

    announcing.announce_waiting()
    announcing.announce_waiting()

    assert len(changes) == 1


def test_listener_that_fails_stops_no_other(changes, caplog):
    from django_health_check_job.signals import state_changed

    def fail(**facts):
        raise ValueError("hunter2")

    state_changed.connect(fail)
    try:
        announcing.announce(record_entry(Site().entry(A="UP"), monitor="test"))
    finally:
        state_changed.disconnect(fail)

    assert len(changes) == 1
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("django_health")]
    assert any("ValueError" in text for text in ours)
    assert not any("hunter2" in text for text in ours)


def test_payload_waits_for_the_server(settings):
    settings.SYNC_HEALTH_CHECK_DATA = True
    entry = Site().record(A="DOWN")

    delivery = Delivery.objects.get()

    assert delivery.key == entry.round.uuid
    assert '"status": 0' in delivery.payload


def test_admins_get_a_mail_when_they_want_one(health, mailoutbox, settings):
    # As each version of Django wants them.
    settings.ADMINS = ["o@example.com"] if django.VERSION >= (6, 0) else [("O", "o@example.com")]
    if django.VERSION >= (6, 1):
        locmem = "django.core.mail.backends.locmem.EmailBackend"
        settings.MAILERS = {"default": {"BACKEND": locmem}}
    site = Site(failures=1)
    announcing.announce(record_entry(site.entry(A="UP"), monitor="test"))
    health(MAIL_ADMINS=True)
    announcing.announce(record_entry(site.entry(NOON + seconds(1), A="DOWN"), monitor="test"))

    [mail] = mailoutbox
    assert "A is DOWN" in mail.subject
    assert "A went from UP to DOWN" in mail.body


def test_first_good_state_is_no_news(health, mailoutbox):
    health(MAIL_ADMINS=True)

    announcing.announce(record_entry(Site().entry(A="UP"), monitor="test"))

    assert mailoutbox == []


def test_what_people_set_is_laid_over_the_settings():
    Site().record(A="UP", B="UP")
    CheckConfig.objects.create(
        check_row=Check.objects.get(name="A"), interval_seconds=7, failures=9
    )
    CheckConfig.objects.create(check_row=Check.objects.get(name="B"), is_enabled=False)

    [left] = apply_overrides([spec(name="A"), spec(name="B")], read_overrides())

    assert (left.name, left.interval_seconds, left.thresholds.failures) == ("A", 7, 9)
    assert left.timeout_seconds == 5


def test_statements_do_not_grow_with_the_stored_rows(django_assert_max_num_queries):
    site = Site()
    for number in range(3):
        site.record(NOON + seconds(number), **{f"C{one}": "UP" for one in range(20)})

    with django_assert_max_num_queries(10):
        site.record(NOON + seconds(9), **{f"C{one}": "UP" for one in range(20)})


@pytest.mark.django_db(transaction=True)
def test_two_writers_add_up():
    Site().record(timezone.now(), A="UP")
    check = Check.objects.get()

    def write() -> None:
        try:
            for _ in range(20):
                rollups.add([rollups.Measured(check.pk, NOON, State.UP, 0.001)])
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    hour = Rollup.objects.get(span="H", starts_at=NOON)
    assert (hour.ups, hour.total_us) == (60, 60_000)
