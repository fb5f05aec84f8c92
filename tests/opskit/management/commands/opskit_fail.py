"""A command that fails in the way that it is told."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_opskit.commands import FindingsError, LockHeldError, OpsCommand, UsageError


class Command(OpsCommand):
    """Fail."""

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("how")

    def handle(self, *, how: str = "crash", **options: Any) -> None:
        fail = getattr(self, f"_{how.replace('-', '_')}")
        fail()

    def _crash(self) -> None:
        raise ValueError("no such thing:\n  42")

    def _crash_without_words(self) -> None:
        raise LookupError

    def _crash_with_secret(self) -> None:
        raise OSError("cannot open https://user:hunter2@example.org/?token=abc")

    def _refuse_with_secret(self) -> None:
        raise CommandError("cannot open https://user:hunter2@example.org/?token=abc")

    def _refuse(self) -> None:
        raise CommandError("the server said no")

    def _usage(self) -> None:
        raise UsageError("nothing is called that")

    def _lock(self) -> None:
        raise LockHeldError("another run is at it")

    def _findings(self) -> None:
        self.counters = {"rejected": 2}
        self.result({"rejected": 2}, "2 rows were rejected.")
        raise FindingsError("2 rows were rejected")

    def _status(self) -> None:
        raise CommandError("as the tool said", returncode=9)

    def _exit_well(self) -> None:
        sys.exit()

    def _exit_with_number(self) -> None:
        sys.exit(4)

    def _exit_with_words(self) -> None:
        sys.exit("enough")

    def _interrupt(self) -> None:
        raise KeyboardInterrupt

    def _unserialisable(self) -> None:
        self.result({"thing": object()})

    def _nan(self) -> None:
        self.result({"mean": float("nan")})
