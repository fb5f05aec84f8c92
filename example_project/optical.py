"""
An optical network that was made up: its reports and inventories, month by month.

The same numbers make the same files. Nodes and findings come and go as they do in real networks: a
part of the findings is gone each month and others come, a node was not tested, one was broken off,
one joined, one is missing.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django_network_hc.workbooks import Book, Column, Kind, Table

__all__ = ["Month", "SampleNetwork"]

_SHELVES = ("1830PSS8-WDM", "1830PSS16II-WDM", "1830PSS32-WDM", "1830PSS24x-WDM")
_BOARDS = ("FAN", "OA2", "SFD44X", "AHQ", "8XC2", "SL16", "D5X500", "WR8")
_TESTS = (
    ("0.6", "WARNING", "Name of the node", "name {0} is not that of the list"),
    ("2.4.3", "WARNING", "Disk of the controller", "partition p{0} is {1} percent full"),
    ("2.5.8", "WARNING", "Time source", "time source 198.51.100.{1} does not answer"),
    ("5.1.2", "FAILURE", "Power of the shelf", "feed of shelf {1} is at {0} V"),
    ("5.2.1", "WARNING", "Alarm statistics", "alarms: {0} major, {1} minor"),
    ("5.6.9", "FAILURE", "Optical power", "span {1}/{0} loses more than planned"),
    ("10.1.1", "WARNING", "Control plane", "link {1}/{0} has no neighbour"),
)
_BROKEN_OFF = ("22.0.5", "FAILURE", "Session", "Linux session could not be open")
_FINDING_HEADERS = (
    *("HCID", "act FLC/EC", "Location", "UserLabel", "Type", "TestDate", "Ver", "Test", "Res"),
    *("Prio", "Issue", "Findings", "Task", "Release"),
)
_SUMMARY_HEADERS = (
    *("Site Name", "HCID", "HC Date", "Warnings", "Failure", "Total", "Duration", "HC Ver"),
    *("act FLC/EC", "FLC/EC-A", "FLC/EC-B", "SLCA", "SLCB", "Release", "PSS Type"),
)
_INVENTORY_HEADERS = (
    *("HC-Id", "Location", "Rack", "Shelf", "Slot", "Sub", "CLEI", "Part number"),
    *("Serial number", "Temp(oC)", "Power(W)", "TxPwr", "RxPwr", "Power Admin", "TL1 Type"),
    *("Mnemonic", "Company", "ExtraData", "Date", "HC Date", "Shelf Type", "Release"),
)

_Finding = tuple[int, tuple[str, str, str, str]]


@dataclass(frozen=True)
class Month:
    """The files of a month."""

    day: date
    report: Path
    inventory: Path


@dataclass
class SampleNetwork:
    """
    A network.

    Attributes:
        nodes: how many there are at first; one joins each month.
        findings: how many a report has, about.
    """

    name: str = "Sample_DWDM"
    nodes: int = 40
    findings: int = 600
    boards: int = 12
    seed: int = 7
    _chance: random.Random = field(init=False, repr=False)
    _ids: list[int] = field(default_factory=list, repr=False)
    _open: dict[_Finding, None] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Place the nodes."""
        self._chance = random.Random(self.seed)  # noqa: S311  # the same each time, and no secret
        self._ids = sorted(self._chance.sample(range(100_000, 999_999), self.nodes))

    def write(self, folder: Path, *, months: int, begin: date = date(2025, 1, 6)) -> list[Month]:
        """Write the files of so many months, each into a folder of its day, and return them."""
        found = []
        for number in range(months):
            years, month = divmod(begin.month - 1 + number, 12)
            day = begin.replace(year=begin.year + years, month=month + 1)
            place = folder / f"{day:%Y%m%d}"
            place.mkdir(parents=True, exist_ok=True)
            if number:
                self._ids.append(max(self._ids) + 7)
            self._move_on()
            found.append(self._write_month(place, day))
        return found

    def _move_on(self) -> None:
        """Let a fifth of the findings go, and others come."""
        keys = list(self._open)
        for key in self._chance.sample(keys, len(keys) // 5):
            del self._open[key]
        while len(self._open) < self.findings:
            test = self._chance.choice(_TESTS)
            words = (self._chance.randrange(1000), self._chance.randrange(1, 255))
            node = self._chance.choice(self._ids)
            self._open[node, (*test[:3], test[3].format(*words))] = None

    def _write_month(self, folder: Path, day: date) -> Month:
        chance = self._chance
        stale, broken_off, never = chance.sample(self._ids, 3)
        missing = chance.choice([one for one in self._ids if one not in (stale, broken_off, never)])
        there = [one for one in self._ids if one != missing]
        report = folder / f"{self.name}_Reports_{day:%Y%m%d}.xlsx"
        before = date(day.year - 1, 12, 1)
        findings = [
            self._finding(node, test, before if node == stale else day)
            for node, test in self._open
            if node not in (missing, never)
        ]
        findings.append(self._finding(broken_off, _BROKEN_OFF, day))
        summary = [
            self._line(node, None if node == never else before if node == stale else day)
            for node in there
        ]
        sums: Sequence[Sequence[object]] = [(None,) * 15, ("Total Network Issues", *(None,) * 14)]
        with Book(report) as book:
            book.add(_table("Network Report Summary", _SUMMARY_HEADERS, [*summary, *sums], day=2))
            book.add(_table("CWBP", _FINDING_HEADERS, findings))
        inventory = folder / f"{self.name}_Inventory.csv"
        lines = [_INVENTORY_HEADERS, *self._boards(there, day)]
        inventory.write_text("".join(f"{';'.join(one)}\n" for one in lines), encoding="ascii")
        return Month(day, report, inventory)

    @staticmethod
    def _finding(node: int, test: tuple[str, str, str, str], day: date) -> Sequence[object]:
        number, priority, issue, text = test
        where = (f"192.0.2.{node % 250}", f"SITE {node % 97}", f"NODE_{node}", "WDM")
        task = f"Look at {issue.lower()}, and check again."
        return (
            *(str(node), *where, f"{day:%Y%m%d}", "9.02", number, "1", priority, issue, text),
            *(task, "V99.1.0"),
        )

    @staticmethod
    def _line(node: int, day: date | None) -> Sequence[object]:
        site = f"SITE {node % 97} / NODE_{node}" if day is None else f"SITE {node % 97}/NODE_{node}"
        shelf = "" if day is None else _SHELVES[node % len(_SHELVES)]
        return (
            *(site, str(node), "never tested" if day is None else day, 0, 0, 0, "   5.00", "9.02"),
            *(f"192.0.2.{node % 250}", "Active", "Inactive", "", "", "V99.1.0", shelf),
        )

    def _boards(self, nodes: Sequence[int], day: date) -> Iterator[tuple[str, ...]]:
        for node in nodes:
            for slot in range(self.boards):
                board = _BOARDS[(node + slot) % len(_BOARDS)]
                shelf = "" if board == "SFD44X" else _SHELVES[node % len(_SHELVES)]
                yield (
                    *(str(node), f"SITE {node % 97} / NODE_{node}", "1", "1", str(slot), "0"),
                    *("", "", f"SN{node}{slot:03}", "40", "30", "", "", "N/A", f"T{board[:2]}"),
                    *(board, "ZCO", "", "230101", f"{day:%Y%m%d}", shelf, "V99.1.0"),
                )


def _table(
    name: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    day: int | None = None,
) -> Table:
    columns = [
        Column(header, 14, Kind.DAY if index == day else Kind.TEXT)
        for index, header in enumerate(headers)
    ]
    return Table(name, columns, rows)
