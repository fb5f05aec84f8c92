"""
The life of jobs as hypothesis plays it: any order of events, on the real table.

Each rule knows what one event has to do. The invariants hold after all of them.
"""

import copy
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from django_opskit.clock import ServerTime
from django_outbox.dispatcher import enqueue
from django_outbox.exceptions import FailNow, Snooze
from django_outbox.models import OutboxAttempt, OutboxJob
from django_outbox.services.attempts import Result
from django_outbox.services.claiming import QueueRota
from django_outbox.services.operations import cancel, run_again, run_now
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import give_back, settle
from django_outbox.services.takeover import take_over

__all__ = ["QUEUES", "JobLives"]

QUEUES: dict[str, Any] = {"default": {}, "lanes": {"LANES": True}}

_USING = "default"
_WORKERS = ("w1:1:a", "w2:2:b", "w3:3:c")
_FINISHED = {"COMPLETED", "FAILED", "CANCELLED"}
_WINDOW = timedelta(days=366)

# What may become of a job in one event; staying as it is is always possible.
_STEPS = {
    ("PENDING", "IN_PROGRESS"),
    ("PENDING", "CANCELLED"),
    ("IN_PROGRESS", "PENDING"),
    *(("IN_PROGRESS", status) for status in _FINISHED),
}
_RERUN = {(status, "PENDING") for status in _FINISHED}

Row = dict[str, Any]

workers = st.sampled_from(_WORKERS)
endings = st.sampled_from(["success", "failure", "final failure", "snooze"])
numbers = st.integers(0, 20)


class JobLives(RuleBasedStateMachine):
    """Three workers, a few keys and lanes, and people who interfere."""

    claims: Bundle[OutboxJob] = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        _empty_tables()
        self.rows: dict[int, Row] = {}
        self.claimed = 0
        self.may_run_again: set[int] = set()
        self.may_lower_attempts: set[int] = set()
        self.rotas = {
            worker: QueueRota(list(QUEUES), worker=worker, lease_seconds=3600, using=_USING)
            for worker in _WORKERS
        }

    # What sites do.

    @rule(
        key=st.sampled_from([None, None, "a", "b"]),
        group=st.sampled_from([None, None, "g", "h"]),
        max_attempts=st.integers(1, 3),
        priority=st.integers(0, 2),
        replaces=st.booleans(),
        has_window=st.booleans(),
    )
    def enqueue_job(
        self,
        *,
        key: str | None,
        group: str | None,
        max_attempts: int,
        priority: int,
        replaces: bool,
        has_window: bool,
    ) -> None:
        """A new job, or the pending twin, or the job of the same window."""
        replaces = replaces and key is not None
        has_window = has_window and key is not None and not replaces
        met = self._met(key, has_window=has_window)
        payload = {"version": len(self.rows)}
        job = enqueue(
            "TEST_JOB",
            key,
            payload,
            queue="lanes" if group else "default",
            group_key=group,
            max_attempts=max_attempts,
            priority=priority,
            on_duplicate="replace" if replaces else "return",
            dedup_window=_WINDOW if has_window else None,
        )
        after = _table()
        if met is None:
            assert set(after) - set(self.rows) == {job.pk}
            assert (job.status, job.attempts, job.claim_no) == ("PENDING", 0, 0)
        else:
            assert job.pk == met
            assert set(after) == set(self.rows)
            assert replaces or after == self.rows
        if met is None or replaces:
            assert after[job.pk]["payload"] == payload
        if replaces:
            self.may_lower_attempts = {job.pk}

    def _met(self, key: str | None, *, has_window: bool) -> int | None:
        twins = [row for row in self.rows.values() if key and row["dedup_key"] == key]
        for row in twins:
            if row["status"] == "PENDING":
                return int(row["id"])
        for row in twins:
            if has_window and row["window_key"]:
                return int(row["id"])
        return None

    # What workers do.

    @rule(target=claims, worker=workers, limit=st.integers(1, 4))
    def claim(self, worker: str, limit: int) -> Any:
        """Due jobs that nobody has, and of each lane the oldest alone."""
        jobs = self.rotas[worker].claim(limit)
        self.claimed += len(jobs)
        assert len(jobs) <= limit
        for job in jobs:
            before = self.rows[job.pk]
            assert before["status"] == "PENDING"
            assert (job.worker, job.claim_no) == (worker, before["claim_no"] + 1)
            assert job.attempts == before["attempts"] + 1
            assert job.started_at is not None
            assert job.run_after <= job.started_at
            assert not self._stand_before(before)
        return multiple(*(copy.copy(job) for job in jobs))

    def _stand_before(self, job: Row) -> list[Row]:
        """Return the jobs of the lane that come first: older ones that wait, and any that runs."""
        return [
            row
            for row in self.rows.values()
            if job["group_key"]
            and row["group_key"] == job["group_key"]
            and row["id"] != job["id"]
            and (
                row["status"] == "IN_PROGRESS"
                or (row["status"] == "PENDING" and row["id"] < job["id"])
            )
        ]

    @rule(job=claims, ending=endings)
    def report(self, job: OutboxJob, ending: str) -> None:
        """The claim that is in force moves its job on; any other one changes nothing at all."""
        errors = {
            "success": None,
            "failure": ValueError("no luck"),
            "final failure": FailNow("never"),
            "snooze": Snooze(5),
        }
        is_held = self._is_held(job)
        self.may_lower_attempts = {job.pk} if ending == "snooze" else set()

        settled = settle([Result(copy.copy(job), 0.1, error=errors[ending])], using=_USING)

        if not is_held:
            assert (settled.total, settled.lost) == (1, 1)
            assert _table() == self.rows
            return
        status = _table()[job.pk]["status"]
        has_attempts = job.attempts < job.max_attempts
        assert settled.lost == 0
        assert (
            status
            in {
                "success": {"COMPLETED"},
                "failure": {"PENDING", "CANCELLED"} if has_attempts else {"FAILED"},
                "final failure": {"FAILED"},
                "snooze": {"PENDING", "CANCELLED"},
            }[ending]
        )
        if status == "CANCELLED":
            self._has_newer_twin(job)

    def _has_newer_twin(self, job: OutboxJob) -> None:
        twins = [row for row in self.rows.values() if row["dedup_key"] == job.dedup_key]
        assert [row for row in twins if row["status"] == "PENDING" and row["id"] > job.pk]

    @rule(job=claims, was_begun=st.booleans())
    def give_back_job(self, job: OutboxJob, was_begun: bool) -> None:
        """A worker that stops lets the job wait again, if it still has it."""
        is_held = self._is_held(job)
        self.may_lower_attempts = set() if was_begun else {job.pk}

        returned = give_back([copy.copy(job)], using=_USING, reason="stopped" if was_begun else "")

        assert returned == is_held
        if not is_held:
            assert _table() == self.rows

    def _is_held(self, job: OutboxJob) -> bool:
        row = self.rows[job.pk]
        return (row["status"], row["worker"], row["claim_no"]) == (
            "IN_PROGRESS",
            job.worker,
            job.claim_no,
        )

    # What befalls them.

    @rule(worker=workers)
    def worker_falls_silent(self, worker: str) -> None:
        """Its leases end, and somebody comes to the rescue."""
        self._jobs().filter(worker=worker, status="IN_PROGRESS").update(lease_until=ServerTime(-1))
        rescue_expired(using=_USING)
        assert not self._jobs().filter(worker=worker, status="IN_PROGRESS").exists()

    @rule(worker=workers)
    def worker_dies(self, worker: str) -> None:
        """Somebody sees it, and takes its jobs over at once."""
        take_over(worker, using=_USING)
        assert not self._jobs().filter(worker=worker, status="IN_PROGRESS").exists()

    @rule()
    def rescuer_looks(self) -> None:
        """Nobody's lease is over."""
        rescue_expired(using=_USING)
        assert _table() == self.rows

    # What people do.

    @rule(number=numbers)
    def cancel_job(self, number: int) -> None:
        """Only what waits can be cancelled."""
        if (row := self._row(number)) is not None:
            assert cancel([row["id"]], using=_USING, reason="enough") == (
                row["status"] == "PENDING"
            )

    @rule(number=numbers)
    def run_job_again(self, number: int) -> None:
        """Only what is finished runs again, and only without a pending twin."""
        if (row := self._row(number)) is None:
            return
        self.may_run_again = self.may_lower_attempts = {row["id"]}
        has_twin = self._met(row["dedup_key"], has_window=False) is not None
        outcome = run_again([row["id"]], using=_USING)
        is_finished = row["status"] in _FINISHED
        assert outcome.waiting == (is_finished and not has_twin)
        assert outcome.skipped == (is_finished and has_twin)

    @rule(number=numbers)
    def run_job_now(self, number: int) -> None:
        """What waits for its next attempt need not wait."""
        if (row := self._row(number)) is not None:
            assert run_now([row["id"]], using=_USING) == (row["status"] == "PENDING")

    def _row(self, number: int) -> Row | None:
        ids = sorted(self.rows)
        return self.rows[ids[number % len(ids)]] if ids else None

    # What always holds.

    @invariant()
    def promises_hold(self) -> None:
        """After each event; the first of them reads the table for all."""
        self._each_step_is_a_legal_one()
        self._each_row_agrees_with_itself()
        self._keys_and_lanes_hold_one_job()

    def _each_step_is_a_legal_one(self) -> None:
        """Nothing vanishes, and no number runs backwards but where somebody wants it to."""
        before, self.rows = self.rows, _table()
        assert set(before) <= set(self.rows)
        for pk, old in before.items():
            new = self.rows[pk]
            step = (old["status"], new["status"])
            steps = _STEPS | (_RERUN if pk in self.may_run_again else set())
            assert step[0] == step[1] or step in steps, step
            is_claim = step == ("PENDING", "IN_PROGRESS")
            assert new["claim_no"] == old["claim_no"] + is_claim
            assert new["attempts"] >= old["attempts"] or pk in self.may_lower_attempts
        self.may_run_again = self.may_lower_attempts = set()
        assert sum(row["claim_no"] for row in self.rows.values()) == self.claimed

    def _each_row_agrees_with_itself(self) -> None:
        """Who has a lease is in progress, and who is finished has finished at some time."""
        for row in self.rows.values():
            status = row["status"]
            assert (row["finished_at"] is not None) == (status in _FINISHED)
            assert (row["lease_until"] is not None) == (status == "IN_PROGRESS")
            assert bool(row["worker"]) or status != "IN_PROGRESS"
            assert not row["worker"] or status != "PENDING"
            assert row["attempts"] <= row["claim_no"]

    def _keys_and_lanes_hold_one_job(self) -> None:
        """At most one job per key waits, and at most one per lane runs."""
        _assert_unique(self.rows.values(), "dedup_key", "PENDING")
        _assert_unique(self.rows.values(), "group_key", "IN_PROGRESS")
        windows = [row["window_key"] for row in self.rows.values() if row["window_key"]]
        assert len(windows) == len(set(windows))

    def teardown(self) -> None:
        """Let the dust settle: then nothing is stuck."""
        for worker in _WORKERS:
            take_over(worker, using=_USING)
        for _ in range(len(self.rows) + 1):
            self._jobs().pending().back_to_pending()
            jobs = [job for rota in self.rotas.values() for job in rota.claim(50)]
            settle([Result(job, 0.1) for job in jobs], using=_USING)
        assert {row["status"] for row in _table().values()} <= _FINISHED
        _empty_tables()

    def _jobs(self) -> Any:
        return OutboxJob.objects.using(_USING)


def _assert_unique(rows: Any, name: str, status: str) -> None:
    values = [row[name] for row in rows if row[name] and row["status"] == status]
    assert len(values) == len(set(values)), (name, values)


def _table() -> dict[int, Row]:
    return {row["id"]: dict(row) for row in OutboxJob.objects.using(_USING).values()}


def _empty_tables() -> None:
    OutboxJob.objects.using(_USING).all().delete()
    OutboxAttempt.objects.using(_USING).all().delete()
