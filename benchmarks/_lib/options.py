"""The options that every script has."""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Options", "parse"]


@dataclass(frozen=True)
class Options:
    """How much is measured, and of whom."""

    quick: bool
    rounds: int
    only: tuple[str, ...]

    def wanted(self, name: str) -> bool:
        """Say whether a contender was asked for."""
        return not self.only or any(part.lower() in name.lower() for part in self.only)

    def scaled(self, count: int, *, least: int = 50) -> int:
        """Return how many of something make a measurement."""
        return max(least, count // 10) if self.quick else count


def parse(description: str, *, rounds: int = 3, arguments: Sequence[str] | None = None) -> Options:
    """
    Return the options of the command line; ``rounds`` is the default without --quick.

    From now on SIGTERM ends the program as Ctrl-C does, so that nothing is left behind.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="A tenth of everything, one round.")
    parser.add_argument("--rounds", type=int, help=f"Rounds (default: {rounds}; quick: 1).")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="Parts of contenders' names."
    )
    found = parser.parse_args(arguments)
    return Options(found.quick, found.rounds or (1 if found.quick else rounds), tuple(found.only))
