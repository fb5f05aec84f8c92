"""The cases that the rules are held to: readings of one site, and what each rule has to say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from django_job_automation.engine.judging import Reading

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)

Pair = tuple[datetime, str | None]


@dataclass(frozen=True)
class Case:
    """One site: its readings, what is known of it, and whether the two rules flag it."""

    number: int
    name: str
    no_coms: bool
    zero_reads: bool
    pairs: Sequence[Pair] = ()
    commissioned_at: datetime | None = None
    as_of: datetime = AS_OF
    min_increase: float = 0
    #: Two rows at one moment, which our own table does not take.
    is_ambiguous: bool = False

    @property
    def readings(self) -> list[Reading]:
        """Return the readings as the engine takes them."""
        return [Reading(at, None if value is None else Decimal(value)) for at, value in self.pairs]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


def ago(days: float = 0, hours: float = 0, seconds: float = 0) -> datetime:
    """Return a moment before the run."""
    return AS_OF - timedelta(days=days, hours=hours, seconds=seconds)


def daily(values: Iterable[Any], *, newest_hours: float = 6) -> list[Pair]:
    """Return one reading a day, the newest first, some hours before the run."""
    return [
        (ago(days=day, hours=newest_hours), None if value is None else str(value))
        for day, value in enumerate(values)
    ]


def quarters(count: int, value: Any, *, first: datetime = AS_OF) -> list[Pair]:
    """Return readings every fifteen minutes, going back."""
    return [(first - timedelta(minutes=15 * index), str(value)) for index in range(count)]


_RISING = daily([109, 108, 107, 106, 105, 104])
_DAY = 96

CASES = [
    Case(1, "never read, commissioned 10 days ago", True, False, commissioned_at=ago(10)),
    Case(2, "never read, commissioned yesterday", False, False, commissioned_at=ago(1)),
    Case(3, "never read, nobody knows since when it is there", True, False),
    Case(4, "last reading exactly on the cutoff", False, False, [(ago(3), "9"), (ago(4), "8")]),
    Case(5, "last reading a second before the cutoff", True, False, [(ago(3, seconds=1), "9")]),
    Case(6, "daily, increasing", False, False, _RISING),
    Case(
        7,
        "stopped 5 days ago, and one row of 2099",
        True,
        False,
        [
            (datetime(2099, 1, 1, tzinfo=UTC), "999"),
            *[(at - timedelta(days=5), value) for at, value in _RISING],
        ],
    ),
    Case(8, "clock 30 minutes fast", False, False, daily([9, 8, 7, 6, 5, 4], newest_hours=-0.5)),
    Case(9, "two equal readings only", False, False, daily([5, 5])),
    Case(10, "three equal ones, seen for less than the window", False, False, daily([5, 5, 5])),
    Case(11, "five equal daily ones", False, True, daily([5, 5, 5, 5, 5])),
    Case(12, "four equal ones, the one before lower", False, False, daily([5, 5, 5, 5, 4])),
    Case(
        13,
        "one day missing, the rest equal",
        False,
        True,
        [pair for day, pair in enumerate(daily([5] * 5)) if day != 1],
    ),
    Case(
        14,
        "flat long ago, increasing since",
        False,
        False,
        [*daily(range(30, 20, -1)), *[(ago(day), "20") for day in range(10, 21)]],
    ),
    Case(15, "flat and silent", True, False, [(ago(3.5 + day), "5") for day in range(6)]),
    Case(
        16,
        "reset two days ago, flat since",
        False,
        False,
        daily([0, 0, 1002, 1001, 1000, 999]),
    ),
    Case(17, "reset five days ago, stuck at 0", False, True, daily([0, 0, 0, 0, 0, 1002, 1001])),
    Case(18, "falling every day", False, False, daily([1, 2, 3, 4, 5, 6])),
    Case(19, "rows without a value for 4 days", True, False, daily([None] * 4 + [5, 4, 3])),
    Case(20, "gaps between equal values", False, True, daily([5, None, 5, 5, 5, None, 5])),
    Case(21, "gaps leave two readings", False, False, daily([5, None, None, 5, 5, 5])),
    Case(
        22,
        "three rows at two moments",
        False,
        False,
        [(ago(1), "5"), (ago(1), "5"), (ago(2), "5"), (ago(5), "5")],
        is_ambiguous=True,
    ),
    Case(
        23,
        "two values at one moment",
        False,
        False,
        [(ago(1), "5"), (ago(2), "5"), (ago(2), "6"), (ago(3), "5"), (ago(5), "5")],
        is_ambiguous=True,
    ),
    Case(
        24,
        "a night",
        False,
        False,
        [
            *quarters(24, 500),
            *[
                (ago(hours=6, seconds=900 * index), str(500 - index))
                for index in range(1, 5 * _DAY)
            ],
        ],
    ),
    Case(25, "every 15 minutes, flat for more than the window", False, True, quarters(450, 5)),
    Case(
        26,
        "every 15 minutes, flat for exactly the window",
        False,
        False,
        [*quarters(4 * _DAY, 5), *quarters(10, 4, first=ago(4))],
    ),
    Case(
        27,
        "back after 5 days, and it has counted",
        False,
        False,
        [*quarters(8, 105), *quarters(50, 100, first=ago(5))],
    ),
    Case(
        28,
        "back after 5 days, and it has not",
        False,
        True,
        [*quarters(8, 100), *quarters(50, 100, first=ago(5))],
    ),
    Case(29, "a hundredth a day", False, False, daily(["5.04", "5.03", "5.02", "5.01", "5.00"])),
    Case(
        30,
        "a hundredth a day, below the tolerance",
        False,
        True,
        daily(["5.04", "5.03", "5.02", "5.01", "5.00"]),
        min_increase=0.05,
    ),
    Case(
        31,
        "clocks went back: 72 hours and a half",
        True,
        False,
        [(datetime(2026, 10, 23, 6, 30, tzinfo=timezone(timedelta(hours=1))), "5")],
        as_of=datetime(2026, 10, 26, 6, tzinfo=UTC),
    ),
    Case(
        32,
        "clocks went forward: 71 hours and a half",
        False,
        False,
        [(datetime(2026, 3, 27, 5, 30, tzinfo=UTC), "5")],
        as_of=datetime(2026, 3, 30, 6, tzinfo=timezone(timedelta(hours=1))),
    ),
    Case(
        33,
        "the cutoff, written in another zone",
        False,
        False,
        [(datetime(2026, 11, 17, 8, tzinfo=timezone(timedelta(hours=2))), "5")],
    ),
]
