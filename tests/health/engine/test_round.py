"""A round and what it changed, through JSON and back."""

import json
from datetime import UTC, datetime
from uuid import uuid4

from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.engine.round import Entry, Round, advance
from django_health_check_job.engine.standing import Standing, Thresholds

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def outcome(name: str, state: State, *, critical: bool = True) -> Outcome:
    return Outcome(name, name.lower(), state, "a message", NOON, 0.25, critical)


def test_entry_is_the_same_after_a_line_of_json():
    outcomes = (outcome("One", State.DOWN), outcome("Two", State.UP, critical=False))
    standings, changes = advance({}, outcomes, {"One": Thresholds(failures=1)})
    entry = Entry(Round(uuid4(), NOON, 0.5, outcomes), standings, changes, 7, {"One": 60.0})

    again = Entry.from_document(json.loads(json.dumps(entry.to_document())))

    assert again == entry
    assert [change.name for change in changes] == ["One", "Two"]


def test_change_says_from_where_to_where_and_whether_it_is_the_first():
    known = {"One": Standing(State.UP, NOON, "U")}

    _, changes = advance(known, [outcome("One", State.DOWN)], {"One": Thresholds(failures=1)})

    [change] = changes
    assert (change.old, change.new, change.is_first) == (State.UP, State.DOWN, False)


def test_round_is_healthy_when_only_what_is_not_critical_fails():
    def is_healthy(*outcomes: Outcome) -> bool:
        return Round(uuid4(), NOON, 0.0, outcomes).is_healthy

    assert is_healthy()
    assert is_healthy(outcome("One", State.UP), outcome("Two", State.DOWN, critical=False))
    assert is_healthy(outcome("One", State.WARN))
    assert not is_healthy(outcome("One", State.UNKNOWN))
    assert not is_healthy(outcome("One", State.UP), outcome("Two", State.DOWN))
