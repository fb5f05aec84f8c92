"""``manage.py outbox_doctor``: what is wrong with the outbox, and what to do about it."""

import dataclasses
import math
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import FindingsError, OpsCommand, UsageError
from django_outbox.services.doctor import examine


class Command(OpsCommand):
    """Look for what slows the outbox down or keeps jobs from being done; changes nothing."""

    help = "Look for what keeps outbox jobs from being done; exit 3 when something is found."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; each default is the one in :meth:`handle`."""
        parser.add_argument(
            "--old-transaction-seconds",
            type=float,
            default=300.0,
            metavar="SECONDS",
            help="Age from which an open transaction is a finding (default: 300).",
        )

    def handle(self, *args: Any, old_transaction_seconds: float = 300.0, **options: Any) -> None:
        """Print the findings; FindingsError (status 3) when there are any."""
        if not 0 <= old_transaction_seconds < math.inf:
            raise UsageError(
                f"old-transaction-seconds must be 0 or more, got {old_transaction_seconds}."
            )
        findings = examine(old_seconds=old_transaction_seconds)
        self.counters = {"findings": len(findings)}
        self.result(
            {"healthy": not findings, "findings": [dataclasses.asdict(one) for one in findings]},
            *(f"{one.code}: {one.sentence}" for one in findings),
            *([] if findings else ["Nothing is wrong."]),
        )
        if findings:
            raise FindingsError(f"{len(findings)} finding{'s' if len(findings) > 1 else ''}.")
