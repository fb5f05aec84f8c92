"""
Who leads among several monitors: one row in the database, and the database's clock.

The row names its holder and when its turn ends. Every new holder gets a higher fence, so that what
an earlier one measured, and writes late, can be told from what the present one measured.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from django_health_check_job.models import MonitorLease
from django_opskit.clock import ServerTime
from django_opskit.identity import is_known_dead

__all__ = ["NAME", "Lease"]

NAME = "monitor"


class Lease:
    """
    One monitor's view of the row.

    Args:
        holder: the monitor's name.
        seconds: how long a turn lasts without being extended.
        using: the database.
    """

    def __init__(
        self,
        holder: str,
        *,
        seconds: float,
        using: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.holder = holder
        self.fence = 0
        self.seconds = seconds
        self._using = using
        self._clock = clock
        self._valid_until = float("-inf")

    @property
    def is_valid(self) -> bool:
        """Return whether nobody else can lead now, without asking the database."""
        return self._clock() < self._valid_until

    @property
    def is_fresh(self) -> bool:
        """Return whether more than half of the turn is left."""
        return self._clock() < self._valid_until - self.seconds / 2

    @property
    def was_held(self) -> bool:
        """Return whether this monitor ever led."""
        return self.fence > 0

    def extend(self) -> bool:
        """
        Take the lease, or keep it; False when another holds it.

        A turn that has ended is still ours while nobody else has taken one.

        Raises:
            DatabaseError: the database does not answer.
        """
        asked_at = self._clock()
        if self._extend_ours() or self._take_free():
            # From before the question: the server's turn ends no earlier than ours.
            self._valid_until = asked_at + self.seconds
            return True
        self._valid_until = float("-inf")
        return False

    def confirm(self) -> bool:
        """Extend the turn inside the caller's transaction: nobody takes it before that ends."""
        asked_at = self._clock()
        if not self._extend_ours():
            self._valid_until = float("-inf")
            return False
        self._valid_until = asked_at + self.seconds
        return True

    def release(self) -> None:
        """Let another monitor lead at once."""
        self._valid_until = float("-inf")
        self._rows().filter(holder=self.holder, fence=self.fence).update(
            expires_at=ServerTime(-1.0)
        )

    def successor(self) -> tuple[int, datetime] | None:
        """Return the fence of the present row and since when it counts; None without a row."""
        row: tuple[int, datetime] | None = self._rows().values_list("fence", "acquired_at").first()
        return row

    def _rows(self) -> Any:
        return MonitorLease.objects.using(self._using).filter(name=NAME)

    def _extend_ours(self) -> bool:
        if not self.was_held:
            return False
        ours = self._rows().filter(holder=self.holder, fence=self.fence)
        return bool(ours.update(expires_at=ServerTime(self.seconds)))

    def _take_free(self) -> bool:
        row = self._rows().values("holder", "fence").first()
        if row is None:
            return self._insert()
        claim = self._rows().filter(fence=row["fence"])
        if not is_known_dead(row["holder"]):
            claim = claim.filter(expires_at__lte=ServerTime(-0.001))
        taken = claim.update(
            holder=self.holder,
            fence=F("fence") + 1,
            acquired_at=ServerTime(-0.001),
            expires_at=ServerTime(self.seconds),
        )
        if taken:
            self.fence = row["fence"] + 1
        return bool(taken)

    def _insert(self) -> bool:
        try:
            with transaction.atomic(using=self._using):
                MonitorLease.objects.using(self._using).create(
                    name=NAME,
                    holder=self.holder,
                    fence=1,
                    acquired_at=ServerTime(-0.001),
                    expires_at=ServerTime(self.seconds),
                )
        except IntegrityError:
            return False
        self.fence = 1
        return True
