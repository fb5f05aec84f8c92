"""
What the example site watches, and the site with which it watches each other.

A second copy of the site is named by the environment: ``HEALTH_SITE`` (what this one is called),
``HEALTH_PEER`` (what the other one is called), ``HEALTH_PEER_URL`` (where its addresses of health
are, such as http://127.0.0.1:8001/health) and ``HEALTH_KEY`` (a key that both know). All of them,
or none.
"""

import os
from dataclasses import dataclass, field
from typing import Any

from config.environment import required

__all__ = ["Peer", "checks", "health_check_job", "oldest_due_job_seconds", "peer"]

_PROBES = "django_health_check_job.probes"
_VARIABLES = ("HEALTH_SITE", "HEALTH_PEER", "HEALTH_PEER_URL", "HEALTH_KEY")


@dataclass(frozen=True)
class Peer:
    """The other site: what it calls this one, its own name, its address and the common key."""

    site: str
    name: str
    url: str
    key: str = field(repr=False)


def oldest_due_job_seconds() -> float:
    """Return for how long a job of the outbox has been due; 0 when none is."""
    from django_outbox.services.status import outbox_status

    return outbox_status(limit=0).oldest_due_seconds


def checks() -> list[Any]:
    """Return what the site watches whether it is alone or not."""
    return [
        f"{_PROBES}.Database",
        f"{_PROBES}.Migrations",
        f"{_PROBES}.Cache",
        {
            "CHECK": f"{_PROBES}.Backlog",
            "NAME": "Outbox",
            "OPTIONS": {
                "source": "config.health.oldest_due_job_seconds",
                "warn_at": 60,
                "down_at": 600,
                "unit": "s",
            },
            "CRITICAL": False,
        },
        {
            "CHECK": f"{_PROBES}.Disk",
            "OPTIONS": {"path": "/"},
            "INTERVAL_SECONDS": 60,
            "CRITICAL": False,
        },
    ]


def peer() -> Peer | None:
    """
    Return the site that the environment names; None when it names none.

    Raises:
        ImproperlyConfigured: it names only a part of it.
    """
    if not any(os.environ.get(name) for name in _VARIABLES):
        return None
    meaning = "a site that watches another one needs all four HEALTH_ variables"
    return Peer(*(required(name, meaning) for name in _VARIABLES))


def health_check_job(peer: Peer | None) -> dict[str, Any]:
    """Return ``HEALTH_CHECK_JOB`` for a site that is alone, or watches another one."""
    if peer is None:
        return {"CHECKS": checks()}
    return {
        "CHECKS": [
            *checks(),
            {
                "CHECK": f"{_PROBES}.HTTP",
                "NAME": f"{peer.name} answers",
                "OPTIONS": {"url": f"{peer.url}/live/"},
                "CRITICAL": False,
            },
            {
                "CHECK": f"{_PROBES}.SenderSilence",
                "NAME": f"{peer.name} monitors",
                "OPTIONS": {"app_id": peer.name, "max_age_seconds": 60},
                "CRITICAL": False,
            },
        ],
        "SYNC": {"API_KEY": peer.key, "EXTENDED": True},
        "RECEIVER": {"APPS": {peer.name: {"API_KEY": peer.key}}},
    }
