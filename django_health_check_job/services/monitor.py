"""
The monitor: starts checks on a grid, collects what they say, and hands it to the recorder.

Three threads share the work, so that none can hold up another: this one plans and never touches the
database or the network; the recorder owns the database; the postman talks to the monitoring server.
Checks run in threads of their own (see ``runner``).

What happens when the grid cannot be kept:

* A check that is still running, and in time, at its next point is left out of that round.
* One that has passed its deadline is DOWN in every round until it ends, and not started again.
* Points that pass while nobody can come, as on a machine that sleeps, are counted and not made up.

Rounds leave in the order in which they began: a check that times out holds back the rounds behind
its own until its deadline, and no longer.
"""

import logging
import random
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import router
from django.utils import timezone

from django_health_check_job.conf import HealthCheckJobSettings
from django_health_check_job.engine.grid import Grid
from django_health_check_job.engine.outcome import Outcome
from django_health_check_job.engine.round import Entry, Round, advance
from django_health_check_job.engine.standing import Standing
from django_health_check_job.models import HeathCheckJob
from django_health_check_job.probes.spec import CheckSpec
from django_health_check_job.services.lease import Lease
from django_health_check_job.services.liveness import LivenessFile
from django_health_check_job.services.overrides import apply_overrides
from django_health_check_job.services.postman import Postman
from django_health_check_job.services.recorder import Recorder
from django_health_check_job.services.runner import Runner
from django_health_check_job.services.spool import Spool
from django_health_check_job.signals import round_finished
from django_opskit.identity import process_name

__all__ = ["Monitor"]

logger = logging.getLogger(__name__)

_SECOND_NS = 1_000_000_000
# So often the loop turns at least: for the liveness file, and to relieve the recorder.
_LONGEST_WAIT_SECONDS = 1.0
_FINISH_SECONDS = 15.0
_STALE_INTERVALS = 3


@dataclass
class _OpenRound:
    """A round whose checks have not all ended."""

    uuid: uuid.UUID
    started_at: datetime
    started: float
    missing: set[str]
    fence: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)


class Monitor:
    """
    Runs checks until :meth:`stop`.

    Args:
        specs: the checks; see :func:`~django_health_check_job.probes.discovery.discover`.
        conf: the settings, as they were at the start.
        on_round: called with each round when it is complete, before it is stored.
        on_role: called with the role when it changes.
        is_whole: these are all checks of the site: those that are stored besides are retired.
        using: the database; None asks the router.
    """

    def __init__(
        self,
        specs: Sequence[CheckSpec],
        conf: HealthCheckJobSettings,
        *,
        on_round: Callable[[Round], None] = lambda _round: None,
        on_role: Callable[[str], None] = lambda _role: None,
        is_whole: bool = True,
        using: str | None = None,
    ) -> None:
        self.name = process_name()
        self.last_healthy: bool | None = None
        #: Points of the grid that passed while nobody could come.
        self.missed = 0
        #: Runs that were left out since the last one had not ended.
        self.overruns = 0
        self._all_specs = list(specs)
        self._conf = conf
        self._on_round = on_round
        self._on_role = on_role
        self._runner = Runner(max_threads=conf.MAX_THREADS)
        using = using or router.db_for_write(HeathCheckJob)
        self.recorder = Recorder(
            Lease(self.name, seconds=conf.LEASE_SECONDS, using=using),
            Spool(conf.spool_folder, self.name),
            using=using,
            on_change=self._runner.wake,
            listed=frozenset(spec.name for spec in specs) if is_whole else None,
        )
        self._postman = Postman(
            may_send=lambda: self.recorder.role.runs_checks,
            spool=lambda: self.recorder.own_spool,
            using=using,
        )
        self._liveness = LivenessFile(conf.liveness_path)
        self._open: OrderedDict[uuid.UUID, _OpenRound] = OrderedDict()
        self._standings: dict[str, Standing] = {}
        self._specs: dict[str, CheckSpec] = {}
        self._grid: Grid | None = None
        self._due_ns = 0
        self._version = 0
        self._fence = -1
        self._is_stopping = False

    def stop(self) -> None:
        """Ask :meth:`run` to end; may be called from a signal handler and from any thread."""
        self._is_stopping = True
        self._runner.wake()

    def run(self) -> bool:
        """
        Serve until :meth:`stop`, and return whether the last round was healthy.

        Without a round, as in one that stood by all the time, there was nothing unhealthy: True.
        """
        self.recorder.start()
        self._postman.start()
        try:
            while not self._is_stopping:
                self._turn()
        finally:
            self._end()
        return self.last_healthy is not False

    def _turn(self) -> None:
        self._follow_recorder()
        self._start_due()
        for key, outcome in self._runner.collect(self._wait_seconds()):
            self._take(key, outcome)
        self._emit()
        self.recorder.relieve()
        self._liveness.beat(leads=self.recorder.role.runs_checks, healthy=self.last_healthy)

    def _follow_recorder(self) -> None:
        """Begin, pause, or plan anew when the role or the settings of a check have changed."""
        recorder = self.recorder
        if recorder.version == self._version:
            return
        self._version = recorder.version
        self._on_role(recorder.role.value)
        if not recorder.role.runs_checks:
            self._grid = None
            return
        if recorder.fence != self._fence:
            # A turn of our own again: another monitor may have gone on in between.
            self._fence = recorder.fence
            self._standings = dict(recorder.standings)
        specs = apply_overrides(self._all_specs, recorder.overrides)
        if self._grid is None or specs != list(self._specs.values()):
            self._specs = {spec.name: spec for spec in specs}
            intervals = {spec.name: spec.interval_seconds for spec in specs}
            self._grid = Grid(intervals, origin_ns=time.monotonic_ns())
            self._plan_next()

    def _plan_next(self) -> None:
        next_ns = self._grid.next_at_ns if self._grid else None
        # Drawn for each round alone, so that it never adds up.
        jitter = random.uniform(0, self._conf.JITTER_SECONDS)  # noqa: S311  # no secret
        self._due_ns = (next_ns or 0) + round(jitter * _SECOND_NS)

    def _wait_seconds(self) -> float:
        if self._grid is None or self._grid.next_at_ns is None:
            return _LONGEST_WAIT_SECONDS
        wait = (self._due_ns - time.monotonic_ns()) / _SECOND_NS
        return min(max(0.0, wait), _LONGEST_WAIT_SECONDS)

    def _start_due(self) -> None:
        now_ns = time.monotonic_ns()
        if self._grid is None or self._grid.next_at_ns is None or now_ns < self._due_ns:
            return
        tick = self._grid.take(now_ns)
        self._plan_next()
        if tick is None:
            return
        self.missed += tick.missed
        if tick.missed:
            logger.warning("missed=%s points of the grid had passed", tick.missed)
        one = _OpenRound(
            uuid=uuid.uuid4(),
            started_at=timezone.now(),
            started=time.monotonic(),
            missing=set(),
            fence=self.recorder.fence,
        )
        for name in tick.names:
            if self._runner.submit(self._specs[name], one.uuid):
                one.missing.add(name)
            else:
                self.overruns += 1
                logger.info("check=%r is still running: left out of this round", name)
        if one.missing:
            self._open[one.uuid] = one

    def _take(self, key: uuid.UUID, outcome: Outcome) -> None:
        if (one := self._open.get(key)) is not None:
            one.missing.discard(outcome.name)
            one.outcomes[outcome.name] = outcome

    def _emit(self) -> None:
        """Hand on the rounds that are complete, the oldest first."""
        while self._open:
            uuid_, one = next(iter(self._open.items()))
            if one.missing:
                return
            del self._open[uuid_]
            self._finish_round(one)

    def _finish_round(self, one: _OpenRound) -> None:
        order = {name: index for index, name in enumerate(self._specs)}
        outcomes = sorted(
            one.outcomes.values(), key=lambda outcome: order.get(outcome.name, len(order))
        )
        finished = Round(
            uuid=one.uuid,
            started_at=one.started_at,
            duration_seconds=time.monotonic() - one.started,
            outcomes=tuple(outcomes),
        )
        thresholds = {name: spec.thresholds for name, spec in self._specs.items()}
        standings, changes = advance(self._standings, outcomes, thresholds)
        self._standings.update(standings)
        self.last_healthy = finished.is_healthy
        self.recorder.put(
            Entry(
                round=finished,
                standings=standings,
                changes=changes,
                fence=one.fence,
                stale_after={outcome.name: self._stale_after(outcome.name) for outcome in outcomes},
            )
        )
        self._postman.call()
        self._on_round(finished)
        answers = round_finished.send_robust(
            sender=type(self),
            round=finished.uuid,
            started_at=finished.started_at,
            outcomes=list(outcomes),
            healthy=finished.is_healthy,
        )
        for receiver, answer in answers:
            if isinstance(answer, Exception):
                logger.error("receiver=%r failed: %s", receiver, type(answer).__name__)

    def _stale_after(self, name: str) -> float:
        spec = self._specs.get(name)
        if self._conf.STALE_SECONDS is not None or spec is None:
            return self._conf.STALE_SECONDS or 60.0
        waits = _STALE_INTERVALS * spec.interval_seconds + spec.timeout_seconds
        return waits + self._conf.JITTER_SECONDS

    def _end(self) -> None:
        """Let the rounds that are under way go: nobody waits for a check that hangs."""
        self._grid = None
        has_written = self.recorder.finish(_FINISH_SECONDS)
        has_sent = self._postman.finish(_FINISH_SECONDS if has_written else 1.0)
        if not has_written or not has_sent:
            logger.warning("stopped while the database or the monitoring server did not answer")
        self._runner.close()
        self._liveness.remove()
