"""``async def`` handlers: side by side on one event loop, and as well isolated as others."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.handlers import Snooze, aset_progress, current_job, ensure_lease
from django_outbox.models import OutboxAttempt, OutboxJob
from django_outbox.services.registry import Registration
from tests.outbox.running import statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_hundred_handlers_run_at_once(start, handle):
    count = 0
    everybody = asyncio.Event()

    async def meet(job):
        nonlocal count
        count += 1
        if count == 100:
            everybody.set()
        await asyncio.wait_for(everybody.wait(), 60)

    handle("MEET", meet)
    for _ in range(100):
        enqueue("MEET", max_attempts=1)

    start(drain=True, concurrency=100, max_jobs=100).join()

    assert statuses() == {"COMPLETED": 100}


def test_async_and_plain_handlers_share_the_slots(start, handle):
    lock = threading.Lock()
    running, most = 0, 0

    def enter():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)

    def leave():
        nonlocal running
        with lock:
            running -= 1

    meeting = threading.Barrier(2, timeout=30)

    async def wait(job):
        enter()
        await asyncio.to_thread(meeting.wait)
        leave()

    def block(job):
        enter()
        meeting.wait()
        leave()

    handle("WAIT", wait)
    handle("BLOCK", block)
    for _ in range(4):
        enqueue("WAIT")
        enqueue("BLOCK")

    start(drain=True, concurrency=2).join()

    assert statuses() == {"COMPLETED": 8}
    assert most == 2


def test_all_of_them_run_on_one_thread_and_its_loop(start, handle):
    seen = set()

    async def look(job):
        seen.add((threading.current_thread().name, id(asyncio.get_running_loop())))

    handle("LOOK", look)
    for _ in range(10):
        enqueue("LOOK")

    start(drain=True, concurrency=4).join()

    assert len(seen) == 1
    assert not [thread for thread in threading.enumerate() if "event-loop" in thread.name]


def test_orm_is_used_on_the_connection_of_the_slot_and_left_clean(start, handle):
    threads = set()

    async def spoil(job):
        threads.add(await sync_to_async(lambda: threading.current_thread().name)())
        await OutboxJob.objects.acount()
        await sync_to_async(transaction.set_autocommit)(False)

    async def count(job):
        # `connection` means that of the thread on which it is asked for an attribute.
        assert await sync_to_async(lambda: connection.get_autocommit())()  # noqa: PLW0108
        assert await OutboxJob.objects.acount() == 2

    handle("SPOIL", spoil)
    handle("COUNT", count)
    enqueue("SPOIL", priority=1)
    enqueue("COUNT")

    start(drain=True, concurrency=1).join()

    assert statuses() == {"COMPLETED": 2}
    assert threads == {"outbox-handler-0"}


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), ValueError()]
)
def test_no_error_ends_the_worker(start, handle, error):
    async def fail(job):
        await asyncio.sleep(0)
        raise error

    handle("FAIL_ASYNC", fail)
    enqueue("FAIL_ASYNC", max_attempts=1, priority=1)
    enqueue("TEST_JOB")

    running = start(drain=True, concurrency=1)
    running.join()

    assert running.error is None
    assert statuses() == {"FAILED": 1, "COMPLETED": 1}
    kind = type(error)
    assert OutboxAttempt.objects.get().error_type == f"{kind.__module__}.{kind.__qualname__}"


def test_task_of_a_handlers_own_making_does_not_end_the_loop(start, handle):
    async def leave():
        raise SystemExit(3)

    async def start_task(job):
        task = asyncio.create_task(leave())
        await asyncio.wait([task])
        assert isinstance(task.exception(), SystemExit)

    async def work(job):
        await asyncio.sleep(0)

    handle("START_TASK", start_task)
    handle("WORK", work)
    enqueue("START_TASK", priority=1)
    enqueue("WORK")

    start(drain=True, concurrency=1).join()

    assert statuses() == {"COMPLETED": 2}


def test_handler_that_takes_too_long_is_cancelled(start, handle):
    cancelled = []

    async def hang(job):
        try:
            await asyncio.sleep(600)
        finally:
            cancelled.append(job.pk)

    handle("HANG", hang, timeout_seconds=0.1)
    enqueue("HANG", max_attempts=1)

    start(drain=True).join()

    job = OutboxJob.objects.get()
    assert cancelled == [job.pk]
    assert "ran longer than its timeout_seconds (0.1)" in job.last_error


def test_timeout_error_of_the_handler_is_its_own(start, handle):
    async def fail(job):
        raise TimeoutError("of a socket")

    handle("FAIL_ASYNC", fail, timeout_seconds=60)
    enqueue("FAIL_ASYNC", max_attempts=1)

    start(drain=True).join()

    assert OutboxAttempt.objects.get().error_type == "builtins.TimeoutError"


def test_handler_whose_lease_is_lost_is_cancelled(start, handle):
    began = threading.Event()

    async def hang(job):
        began.set()
        await asyncio.sleep(600)

    handle("HANG", hang)
    job = enqueue("HANG")
    running = start()
    assert began.wait(30)
    job.refresh_from_db()

    running.worker._threads.lose([(job.pk, job.claim_no)])

    wait_for(OutboxAttempt.objects.exists)
    assert OutboxAttempt.objects.get().error_type == "django_outbox.exceptions.LeaseLost"


def test_context_result_and_orders_work_as_in_other_handlers(start, handle):
    async def work(job):
        ensure_lease()
        await aset_progress(1, 3)
        return current_job().pk

    async def later(job):
        raise Snooze(600)

    handle("ASYNC_WORK", work, keep_result=True)
    handle("LATER", later)
    job, snoozed = enqueue("ASYNC_WORK"), enqueue("LATER")

    start(drain=True).join()

    job.refresh_from_db()
    snoozed.refresh_from_db()
    assert job.result == job.pk
    assert job.progress == {"done": 1, "total": 3, "note": ""}
    assert (snoozed.status, snoozed.attempts) == ("PENDING", 0)


def test_single_pass_runs_it_inside_the_callers_transaction(handle):
    async def write(job):
        await OutboxJob.objects.filter(pk=job.pk).aupdate(progress="seen")
        return await OutboxJob.objects.acount()

    handle("ASYNC_WRITE", write, keep_result=True)

    with transaction.atomic():
        job = enqueue("ASYNC_WRITE")
        assert run_once() == 1
        job.refresh_from_db()
        assert (job.status, job.result, job.progress) == ("COMPLETED", 1, "seen")


def test_async_handler_cannot_be_atomic():
    async def work(job):
        pass

    with pytest.raises(TypeError, match="a transaction belongs to one thread"):
        Registration("X", work, atomic=True)


def test_plain_handler_cannot_have_a_timeout():
    with pytest.raises(TypeError, match="Python has no way to end a thread"):
        Registration("X", lambda job: None, timeout_seconds=1)
    with pytest.raises(ValueError, match="must be more than 0"):
        Registration("X", lambda job: None, process=True, timeout_seconds=0)
