"""What is wrong with the monitoring itself, in sentences."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error
from django.db.models import Min

from django_health_check_job.conf import HealthCheckJobSettings, PublishedSettings
from django_health_check_job.models import Delivery, MonitorLease
from django_health_check_job.probes.discovery import Discovery
from django_health_check_job.services import reading
from django_health_check_job.services.lease import NAME
from django_health_check_job.services.outbound import describe
from django_health_check_job.services.payloads import build_payload
from django_health_check_job.services.spool import Spool
from django_health_check_job.services.transport import send_payload

__all__ = ["Finding", "diagnose"]

# Unsent for so long is no hiccup of the network.
_LONG_UNSENT = timedelta(minutes=5)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: a word for programs, a sentence, and the way out."""

    code: str
    sentence: str
    way_out: str


def diagnose(
    conf: HealthCheckJobSettings,
    published: PublishedSettings,
    discovery: Discovery,
    *,
    now: datetime,
    try_sync: bool,
) -> list[Finding]:
    """Return what is wrong with the list of checks, the monitors, the spool and the sending."""
    findings = [Finding("check", one.message, one.hint) for one in discovery.problems]
    try:
        findings += _monitors(now)
        if published.SYNC_HEALTH_CHECK_DATA:
            findings += _unsent(now)
    except Error as error:
        findings.append(
            Finding(
                "database",
                f"The database does not answer as it should ({type(error).__name__}).",
                "Start it, or run migrate; until then a monitor keeps its results in the spool.",
            )
        )
    if waiting := Spool(conf.spool_folder, "doctor").waiting_bytes():
        findings.append(
            Finding(
                "spool",
                f"{waiting:,} bytes wait in {conf.spool_folder}.",
                "A monitor on this host writes them once the database answers.",
            )
        )
    if published.SYNC_HEALTH_CHECK_DATA and try_sync:
        findings += _try_sync(now)
    return findings


def _monitors(now: datetime) -> Iterator[Finding]:
    if not MonitorLease.objects.filter(name=NAME, expires_at__gt=now).exists():
        yield Finding("monitor", "No monitor is at work.", "Run manage.py monitor as a service.")
    stale = [one.name for one in reading.checks_now(now=now, source="") if one.is_stale]
    if stale:
        yield Finding(
            "stale",
            f"Too old to say anything: {', '.join(stale)}.",
            "A monitor has to run them; a check that is no longer listed can be retired there.",
        )


def _unsent(now: datetime) -> Iterator[Finding]:
    waiting = Delivery.objects.filter(refused_at=None)
    oldest = waiting.aggregate(oldest=Min("created_at"))["oldest"]
    if oldest is not None and oldest < now - _LONG_UNSENT:
        yield Finding(
            "unsent",
            f"{waiting.count()} payloads wait for the monitoring server, since {oldest:%c} UTC.",
            "See the last error below, or whether a monitor runs.",
        )
    last = Delivery.objects.exclude(refused_at=None).order_by("-pk").first()
    if last is not None:
        yield Finding(
            "refused",
            f"The monitoring server has refused payloads, last with {last.last_error}.",
            "It does not understand them; monitor_cleanup deletes them after KEEP_UNSENT_DAYS.",
        )


def _try_sync(now: datetime) -> Iterator[Finding]:
    """Send a payload without checks."""
    try:
        send_payload(build_payload(uuid.uuid4(), now, [], extended=False))
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what was looked for
        yield Finding(
            "sync",
            f"The monitoring server did not take an empty payload: {describe(error)}.",
            "See SYNC_SERVER_URL, SYNC_APP_ID and HEALTH_CHECK_JOB['SYNC'].",
        )
