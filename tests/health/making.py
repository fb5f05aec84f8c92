"""Rounds and rows for the tests."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django_health_check_job.engine.naming import slug_of
from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.engine.round import Entry, Round, advance
from django_health_check_job.engine.standing import Standing, Thresholds
from django_health_check_job.services.recording import record_entry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Site:
    """A site whose checks a test lets run, with one standing each."""

    def __init__(self, *, failures: int = 3, successes: int = 2) -> None:
        self.thresholds = Thresholds(failures=failures, successes=successes)
        self.standings: dict[str, Standing] = {}

    def entry(self, at: datetime = NOON, seconds: float = 0.1, **states: str) -> Entry:
        """Return a round with these outcomes."""
        outcomes = tuple(
            Outcome(name, slug_of(name), State(state), f"{name} says {state}", at, seconds)
            for name, state in states.items()
        )
        limits = dict.fromkeys(states, self.thresholds)
        standings, changes = advance(self.standings, outcomes, limits)
        self.standings |= standings
        stale_after = dict.fromkeys(states, 60.0)
        return Entry(Round(uuid4(), at, seconds, outcomes), standings, changes, 1, stale_after)

    def record(self, at: datetime = NOON, seconds: float = 0.1, **states: str) -> Entry:
        """Store a round with these outcomes."""
        entry = self.entry(at, seconds, **states)
        record_entry(entry, monitor="test")
        return entry


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
