"""What a command prints of a round."""

from collections.abc import Callable
from typing import Any

from django.core.management.color import Style

from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.engine.round import Round

__all__ = ["document", "line", "paint"]


def paint(style: Style, state: State) -> Callable[[str], str]:
    """Return the colour of a state: green where the service works, yellow and red elsewhere."""
    if state is State.UP:
        return style.SUCCESS
    return style.WARNING if state is State.WARN else style.ERROR


def line(outcome: Outcome, colour: Callable[[str], str] = str) -> str:
    """Return the published line: the name, padded to 24 characters, and what the check says."""
    message = " ".join(outcome.message.split())
    return f"{outcome.name:<24} ... {colour(message)}"


def document(finished: Round) -> dict[str, Any]:
    """Return a round as one JSON document."""
    return {
        "uuid": finished.uuid,
        "started_at": finished.started_at,
        "duration_seconds": round(finished.duration_seconds, 6),
        "healthy": finished.is_healthy,
        "checks": [
            {
                "name": one.name,
                "slug": one.slug,
                "status": one.status,
                "state": one.state.value,
                "message": one.message,
                "critical": one.critical,
                "duration_seconds": round(one.duration_seconds, 6),
            }
            for one in finished.outcomes
        ],
    }
