"""All contenders of a script, measured in turn."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks._lib.contenders import Contender, Driver, driven
from benchmarks._lib.peers import MissingError

__all__ = ["Field", "entered", "say"]

_T = TypeVar("_T")


@dataclass
class Field:
    """Those that are there, and why the others are not."""

    drivers: list[Driver] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def only(self, contenders: Sequence[Contender]) -> "Field":
        """Return those of ``contenders`` that are there; who gets missing is missing in both."""
        drivers = [driver for driver in self.drivers if driver.contender in contenders]
        return Field(drivers, self.missing)

    def rounds(self, count: int, measure: Callable[[Driver], _T]) -> dict[str, list[_T]]:
        """
        Measure each contender ``count`` times and return the results by its name.

        In turns, since a machine has good and bad minutes. One that fails is out.
        """
        results: dict[str, list[_T]] = {driver.contender.name: [] for driver in self.drivers}
        for number in range(1, count + 1):
            for driver in self.drivers:
                name = driver.contender.name
                if name in self.missing:
                    continue
                say(f"round {number} of {count}: {name}")
                try:
                    results[name].append(measure(driver))
                except MissingError as reason:
                    self.missing[name] = str(reason)
        return {name: found for name, found in results.items() if found}

    def tell_missing(self) -> None:
        """Print who is missing."""
        for name, reason in self.missing.items():
            print(f"\nMissing: {name} ({reason}).")


@contextmanager
def entered(contenders: Sequence[Contender]) -> Iterator[Field]:
    """Yield the contenders, each prepared; those that cannot be had are named as missing."""
    found = Field()
    with ExitStack() as stack:
        for contender in contenders:
            try:
                found.drivers.append(stack.enter_context(driven(contender)))
            except MissingError as reason:
                found.missing[contender.name] = str(reason)
        yield found


def say(what: str) -> None:
    """Tell the person at the terminal what happens; not part of the result."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
