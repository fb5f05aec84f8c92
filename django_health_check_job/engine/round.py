"""A round, what it changed, and both as plain values that fit into a line of JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django_health_check_job.engine.outcome import Outcome, State, is_healthy
from django_health_check_job.engine.standing import Standing, Thresholds

__all__ = ["Change", "Entry", "Round", "advance"]


@dataclass(frozen=True)
class Round:
    """All checks that were due at one moment."""

    uuid: UUID
    started_at: datetime
    duration_seconds: float
    outcomes: tuple[Outcome, ...]

    @property
    def is_healthy(self) -> bool:
        """Return whether every critical check works."""
        return is_healthy(self.outcomes)


@dataclass(frozen=True)
class Change:
    """A check went from one state to another."""

    name: str
    slug: str
    critical: bool
    old: State
    new: State
    at: datetime
    message: str
    is_first: bool = False
    source: str = ""


@dataclass
class Entry:
    """
    A round with what it led to: what is written to the database, or to the spool before it.

    Attributes:
        standings: where each of its checks stands after it, by name.
        fence: the lease under which it was measured; 0 when the database could not be asked.
        stale_after: by name, the seconds after which the outcome says nothing any more.
        is_announced: the signals of its changes were sent.
        is_sent: the monitoring server has it already.
    """

    round: Round
    standings: dict[str, Standing]
    changes: list[Change]
    fence: int = 0
    stale_after: dict[str, float] = field(default_factory=dict)
    is_announced: bool = False
    is_sent: bool = False

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {
            "uuid": str(self.round.uuid),
            "started_at": self.round.started_at.isoformat(),
            "duration_seconds": self.round.duration_seconds,
            "outcomes": [_outcome_document(outcome) for outcome in self.round.outcomes],
            "standings": {
                name: [one.state.value, one.since and one.since.isoformat(), one.recent]
                for name, one in self.standings.items()
            },
            "changes": [_change_document(change) for change in self.changes],
            "fence": self.fence,
            "stale_after": self.stale_after,
            "is_announced": self.is_announced,
            "is_sent": self.is_sent,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Entry":
        """
        Return what :meth:`to_document` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is something else.
        """
        return cls(
            round=Round(
                uuid=UUID(document["uuid"]),
                started_at=datetime.fromisoformat(document["started_at"]),
                duration_seconds=float(document["duration_seconds"]),
                outcomes=tuple(_read(Outcome, one) for one in document["outcomes"]),
            ),
            standings={
                name: Standing(State(state), since and datetime.fromisoformat(since), recent)
                for name, (state, since, recent) in document["standings"].items()
            },
            changes=[_read(Change, one) for one in document["changes"]],
            fence=int(document["fence"]),
            stale_after=dict(document["stale_after"]),
            is_announced=bool(document["is_announced"]),
            is_sent=bool(document["is_sent"]),
        )


def advance(
    standings: Mapping[str, Standing],
    outcomes: Sequence[Outcome],
    thresholds: Mapping[str, Thresholds],
) -> tuple[dict[str, Standing], list[Change]]:
    """Return where the checks of ``outcomes`` stand after them, and what has changed."""
    after: dict[str, Standing] = {}
    changes = []
    for outcome in outcomes:
        before = standings.get(outcome.name, Standing())
        now = before.after(
            outcome.state,
            at=outcome.started_at,
            thresholds=thresholds.get(outcome.name, Thresholds()),
        )
        after[outcome.name] = now
        if now.state is not before.state:
            changes.append(
                Change(
                    name=outcome.name,
                    slug=outcome.slug,
                    critical=outcome.critical,
                    old=before.state,
                    new=now.state,
                    at=outcome.started_at,
                    message=outcome.message,
                    is_first=before.since is None,
                )
            )
    return after, changes


def _outcome_document(outcome: Outcome) -> dict[str, Any]:
    return {
        **vars(outcome),
        "state": outcome.state.value,
        "started_at": outcome.started_at.isoformat(),
    }


def _change_document(change: Change) -> dict[str, Any]:
    return {
        **vars(change),
        "old": change.old.value,
        "new": change.new.value,
        "at": change.at.isoformat(),
    }


def _read(kind: type[Any], document: Mapping[str, Any]) -> Any:
    """Return a dataclass from its fields, states and moments read back."""
    values = dict(document)
    for name in ("state", "old", "new"):
        if name in values:
            values[name] = State(values[name])
    for name in ("started_at", "at"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    return kind(**values)
