"""
Being there: a worker shows that it lives, hears of new jobs, and takes over from the dead.

All of that happens on one thread with a connection of its own (a :class:`Link`), which is idle
most of the time. The hardest failure is a lock that was lost by a worker that lives: its server
was restarted, or its connection broke. So a lock has to be free for half a second, nobody is
called dead shortly after a server's start or after our own connection broke, and if it happens
all the same, the fence keeps the jobs' reports apart: they run twice, which is the promise.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from django.db import DatabaseError, InterfaceError, connections

from django_opskit.clock import ServerTime
from django_outbox.backends.links import link_for
from django_outbox.models import OutboxWorker
from django_outbox.services.companion import Companion
from django_outbox.services.takeover import (
    forget_silent_workers,
    forget_worker,
    holds_jobs,
    take_over,
)

__all__ = ["Presence"]

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.45
# While some lock is free.
_LOOK_AGAIN_SECONDS = 0.15
# A lock has to be free for so long: the time in which a worker that lives sees that its link is
# broken, and has made another.
_FREE_SECONDS = 0.45
# Other workers get so much time to come back when our own connection had broken.
_AFTER_AN_OUTAGE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 2.0
# A statement that a dead worker has sent is over by then.
_LAST_WORDS_SECONDS = 5.0
# A first claim waits so long for the lock: without it, only the lease covers its jobs.
_PATIENCE_SECONDS = 5.0


class Presence(Companion):
    """
    The thread that keeps a worker's link to its database.

    ``on_news`` is called, on that thread, when jobs may have become due: they were enqueued, or
    taken from a dead worker. Where no news come of new jobs although they are wanted,
    ``looks_often`` asks the worker to look for itself.
    """

    def __init__(
        self,
        worker: str,
        *,
        queues: Sequence[str],
        concurrency: int,
        lease_seconds: float,
        every_seconds: float,
        using: str,
        with_lock: bool,
        with_news: bool,
        on_news: Callable[[], None],
    ) -> None:
        super().__init__(f"outbox-presence-{worker}")
        self.worker = worker
        self.using = using
        self._queues = list(queues)
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._every_seconds = every_seconds
        self._on_news = on_news
        self._link = link_for(worker, using=using, with_lock=with_lock, with_news=with_news)
        self.looks_often = with_news and not self._link.brings_news
        self._has_lock = False
        # Since when these workers' locks have been free.
        self._suspects: dict[str, float] = {}
        self._died_at: dict[str, float] = {}
        self._nobody_is_dead_before = 0.0
        self._sign_at = 0.0
        self._is_up = threading.Event()

    def __enter__(self) -> Self:
        super().__enter__()
        self._is_up.wait(_PATIENCE_SECONDS)
        return self

    def wake(self) -> None:
        """End the wait of the link."""
        self._link.interrupt()

    def run(self) -> None:
        """Keep the link until the worker ends."""
        failures = 0
        try:
            while not self.ended.is_set():
                try:
                    self._connect()
                    while not self.ended.is_set():
                        self._look()
                        failures = 0
                except Exception as error:  # noqa: BLE001  # its end would leave the worker deaf
                    failures += 1
                    self._lose_link(error)
                    # The first time at once: others look at our lock.
                    if failures > 1:
                        pause_s = min(_LONGEST_PAUSE_SECONDS, 0.05 * 2 ** min(failures, 10))
                        self.ended.wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311
            self._leave()
        finally:
            self._link.end()

    def _connect(self) -> None:
        self._link.open()
        self._has_lock = self._link.take_lock()
        self._sign_or_postpone()
        self._is_up.set()
        # What was enqueued while nobody listened.
        self._on_news()

    def _look(self) -> None:
        pause_s = _LOOK_AGAIN_SECONDS if self._suspects else _LOOK_EVERY_SECONDS
        if self._link.wait(pause_s):
            self._on_news()
        if self.ended.is_set():
            return
        if time.monotonic() >= self._sign_at:
            # The server may have held the lock of a session of ours that it knew to be lost.
            self._has_lock = self._has_lock or self._link.take_lock()
            self._sign_or_postpone()
        # Asked in any case: this is how a link that is broken is noticed.
        free = self._link.find_dead()
        now = time.monotonic()
        if now < self._nobody_is_dead_before:
            return
        before = self._suspects
        self._suspects = {name: before.get(name, now) for name in free}
        for name, free_since in sorted(self._suspects.items()):
            if now >= free_since + _FREE_SECONDS:
                self._bury(name)

    def _bury(self, name: str) -> None:
        if take_over(name, using=self.using).total:
            self._on_news()
        # The server may finish a claim whose client is dead already: look again for a while.
        died_at = self._died_at.setdefault(name, time.monotonic())
        if time.monotonic() > died_at + _LAST_WORDS_SECONDS:
            forget_worker(name, using=self.using)
            self._link.forget(name)
            del self._died_at[name]

    def _sign_or_postpone(self) -> None:
        # The row is for people, and for those who look for the dead. Without it the lease is
        # left; that a write failed is no reason to give up the link.
        try:
            self._sign()
            self._sign_at = time.monotonic() + self._every_seconds
        except (DatabaseError, InterfaceError) as error:
            logger.info("worker=%s could not sign: %s", self.worker, error)
            connections[self.using].close()
            self._sign_at = time.monotonic() + 1.0

    def _sign(self) -> None:
        """Write down that we are here."""
        host, _, rest = self.worker.partition(":")
        facts = {
            "host": host,
            "pid": int(rest.partition(":")[0]),
            "queues": self._queues,
            "concurrency": self._concurrency,
            "has_lock": self._has_lock,
            "seen_at": ServerTime(),
        }
        rows = OutboxWorker.objects.using(self.using)
        # Writing first: SQLite gives up at once when a transaction that has read wants to write.
        if not rows.filter(name=self.worker).update(**facts):
            rows.create(name=self.worker, started_at=ServerTime(), **facts)
        forget_silent_workers(self._lease_seconds, using=self.using)

    def _leave(self) -> None:
        try:
            # Jobs that could not be given back are taken over as those of a dead worker.
            if not holds_jobs(self.worker, using=self.using):
                forget_worker(self.worker, using=self.using)
        except (DatabaseError, InterfaceError) as error:
            logger.info("worker=%s leaves its row behind: %s", self.worker, error)

    def _lose_link(self, error: Exception) -> None:
        logger.warning("worker=%s has no link to its database: %s", self.worker, error)
        self._suspects.clear()
        self._nobody_is_dead_before = time.monotonic() + _AFTER_AN_OUTAGE_SECONDS
        self._link.close()
        connections[self.using].close()
