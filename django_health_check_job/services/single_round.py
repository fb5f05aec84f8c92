"""One round, here and now: for cron, for deployments, and for people who want to know."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import Error, router
from django.utils import timezone

from django_health_check_job.conf import HealthCheckJobSettings, get_published
from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.engine.round import Entry, Round, advance
from django_health_check_job.engine.standing import Standing
from django_health_check_job.models import Check, HeathCheckJob
from django_health_check_job.probes.spec import CheckSpec
from django_health_check_job.services import announcing
from django_health_check_job.services.lease import Lease
from django_health_check_job.services.outbound import Outbound
from django_health_check_job.services.recording import record_entry
from django_health_check_job.services.runner import Runner
from django_opskit.identity import process_name

__all__ = ["SingleRound", "run_round", "run_single_round"]


@dataclass(frozen=True)
class SingleRound:
    """
    What came of it.

    Attributes:
        round: the outcomes.
        note: why nothing was stored; "" when it was.
        unsent: whether the monitoring server has not taken it.
    """

    round: Round
    note: str = ""
    unsent: bool = False


def run_round(specs: Sequence[CheckSpec], *, max_threads: int) -> Round:
    """Run every check once, and return when the last one has ended or was given up."""
    runner = Runner(max_threads=max_threads)
    one, started_at, started = uuid.uuid4(), timezone.now(), time.monotonic()
    outcomes: dict[str, Outcome] = {}
    try:
        for spec in specs:
            runner.submit(spec, one)
        while not runner.is_idle:
            outcomes |= {outcome.name: outcome for _key, outcome in runner.collect(None)}
    finally:
        runner.close()
    ordered = tuple(outcomes[spec.name] for spec in specs)
    return Round(one, started_at, time.monotonic() - started, ordered)


def run_single_round(
    specs: Sequence[CheckSpec], conf: HealthCheckJobSettings, *, stale_after_seconds: float
) -> SingleRound:
    """
    Run every check once, and store and send what a monitor would.

    Where a monitor leads, it goes on to write the history; this round is then shown alone, as it is
    when the database does not answer.
    """
    finished = run_round(specs, max_threads=conf.MAX_THREADS)
    using = router.db_for_write(HeathCheckJob)
    name = process_name()
    lease = Lease(name, seconds=conf.LEASE_SECONDS, using=using)
    try:
        if not lease.extend():
            return SingleRound(finished, note="another monitor leads: shown, and not stored")
        try:
            _store(finished, specs, name, lease, stale_after_seconds, using)
        finally:
            lease.release()
    except Error as error:
        return SingleRound(finished, note=f"not stored: {type(error).__name__}")
    if not get_published().SYNC_HEALTH_CHECK_DATA:
        return SingleRound(finished)
    outbound = Outbound(using=using)
    outbound.send_stored()
    return SingleRound(finished, unsent=outbound.wait_seconds > 0)


def _store(
    finished: Round,
    specs: Sequence[CheckSpec],
    monitor: str,
    lease: Lease,
    stale_after_seconds: float,
    using: str,
) -> None:
    names = [spec.name for spec in specs]
    rows = Check.objects.using(using).filter(source="", name__in=names)
    fields = ("name", "state", "since", "recent")
    before = {
        name: Standing(State(state), since, recent)
        for name, state, since, recent in rows.values_list(*fields)
    }
    thresholds = {spec.name: spec.thresholds for spec in specs}
    standings, changes = advance(before, finished.outcomes, thresholds)
    entry = Entry(
        round=finished,
        standings=standings,
        changes=changes,
        fence=lease.fence,
        stale_after=dict.fromkeys(names, stale_after_seconds),
    )
    keys = record_entry(entry, monitor=monitor, confirm=lease.confirm, using=using)
    announcing.announce(keys, using=using)
