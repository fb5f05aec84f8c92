"""
A month of an optical network at three sizes: reading, judging, writing all its files.

The second of two months is measured, from the tracker that the first one wrote: in a process of its
own for each size, so that the peak of its memory is its own. Beside it stands what the published
script does with the same files, as far as it is openpyxl's share: it loads the report and the
tracker whole, looks through a sheet for each case that it closes, formats each cell of the sheets,
and saves. That grows with the square of the findings, so it is measured at the smallest size alone.
"""

import os
import sys
import tempfile
import time
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable
from math import log
from pathlib import Path
from subprocess import run as run_process
from typing import TYPE_CHECKING, Any

from benchmarks._lib.accounting import peak_bytes
from benchmarks._lib.tables import markdown, number, ratio

if TYPE_CHECKING:
    from django_network_hc.engine.outcome import Standing
    from django_network_hc.readers import Tracker

EXAMPLE = Path(__file__).resolve().parent.parent / "example_project"
#: Nodes, findings and boards of a node.
SIZES = {"small": (40, 600, 12), "medium": (500, 20_000, 12), "large": (2_300, 110_000, 12)}


class Clock:
    """CPU seconds of what was done since it was last asked, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.process_time()

    def stop(self, name: str) -> None:
        """Note what was done."""
        now = time.process_time()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._began
        self._began = now


def standing(tracker: "Tracker | None") -> "Standing":
    """Return what a tracker knows; nothing without one."""
    from django_network_hc.engine.outcome import Standing

    if tracker is None:
        return Standing()
    still = [one.key for one in tracker.open_cases]
    return Standing(
        open_cases=still,
        closed_cases={one.key for one in tracker.cases["MAIN"]} - set(still),
        case_count=len(tracker.cases["MAIN"]),
        nodes=tracker.nodes,
    )


def process(month: Any, tracker: "Tracker | None", folder: Path, clock: Clock) -> tuple[Path, Any]:
    """Process a month, and return its tracker and what it came to."""
    from django_network_hc.engine.comparing import Options
    from django_network_hc.engine.ignoring import IgnoreRules
    from django_network_hc.engine.ledger import advanced
    from django_network_hc.engine.outcome import judge
    from django_network_hc.readers import read_inventory, read_report
    from django_network_hc.workbooks.outputs import Check, write_outputs

    clock.stop("before")
    report, inventory = read_report(month.report), read_inventory(month.inventory)
    clock.stop("read")
    outcome = judge(
        standing(tracker),
        day=report.name.day,
        findings=report.findings,
        lines=report.nodes,
        inventory=inventory.items,
        rules=IgnoreRules(tests=frozenset({"5.2.1"})),
        options=Options(),
    )
    ledger = advanced(
        tracker.cases["MAIN"] if tracker else [], outcome, network=report.name.network
    )
    clock.stop("judge")
    check = Check(
        network=report.name.network,
        outcome=outcome,
        ledger=ledger,
        columns=tracker.columns if tracker else {},
        inventory_header=inventory.header,
        report=month.report.name,
        inventory=month.inventory.name,
    )
    written = write_outputs(folder, check)[-1]
    clock.stop("write")
    return written, outcome


def published(month: Any, tracker: Path, closed: set[Any]) -> None:
    """Do openpyxl's share of what the published script does."""
    from openpyxl import load_workbook
    from openpyxl.styles import Border, Side

    report, book = load_workbook(month.report), load_workbook(tracker)
    line = Side(style="thin")
    border = Border(left=line, right=line, top=line, bottom=line)
    opened = book["OPEN"]
    for key in closed:
        for row in range(opened.max_row, 1, -1):
            if tuple(opened.cell(row, column).value for column in (2, 8, 9, 10, 11)) == key:
                opened.delete_rows(row)
                break
    for cells in report["CWBP"].iter_rows(min_row=2, values_only=True):
        book["MAIN"].append([*cells, None, None, None, None])
    for sheet in book.worksheets[1:]:
        for number_ in range(1, sheet.max_row + 1):
            # Read anew for each row, as it is there: openpyxl looks at every cell for it.
            for column in range(1, sheet.max_column + 1):
                sheet.cell(number_, column).border = border
    book.save(tracker.with_name("published.xlsx"))


def measure(size: str, *, with_peer: bool) -> None:
    """Process two months of a network, and print what the second one took."""
    sys.path.append(str(EXAMPLE))
    from optical import SampleNetwork

    from django_network_hc.readers import read_tracker

    nodes, findings, boards = SIZES[size]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        network = SampleNetwork(nodes=nodes, findings=findings, boards=boards)
        first, second = network.write(folder / "in", months=2)
        for name in ("first", "second"):
            (folder / name).mkdir()
        before, _outcome = process(first, None, folder / "first", Clock())
        tracker = read_tracker(before)
        clock = Clock()
        _path, outcome = process(second, tracker, folder / "second", clock)
        ours = sum(clock.seconds[name] for name in ("read", "judge", "write"))
        counts = outcome.counts()
        print(
            "|".join(
                str(one)
                for one in (
                    size,
                    counts["report_rows"],
                    clock.seconds["read"],
                    clock.seconds["judge"],
                    clock.seconds["write"],
                    ours,
                    peak_bytes([os.getpid()]) / 1e6,
                    _seconds(published, second, before, set(outcome.comparison.closed))
                    if with_peer
                    else "",
                )
            )
        )


def _seconds(work: Callable[..., None], *args: Any) -> float:
    began = time.process_time()
    work(*args)
    return time.process_time() - began


def main() -> int:
    """Measure each size in a process of its own, and print a table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the largest")
    parser.add_argument("--size", choices=SIZES, help=SUPPRESS)
    options = parser.parse_args()
    if options.size:
        measure(options.size, with_peer=options.size == "small")
        return 0
    rows = []
    for size in list(SIZES)[: 2 if options.quick else 3]:
        command = [sys.executable, "-m", "benchmarks.network_hc", "--size", size]
        done = run_process(command, check=True, capture_output=True, text=True)
        rows.append(done.stdout.strip().split("|"))
    head = [
        "",
        "findings",
        "read",
        "judge",
        "write",
        "CPU",
        "memory",
        "published",
        "ratio",
        "grows",
    ]
    table = []
    for index, row in enumerate(rows):
        size, findings, *seconds, total, memory, peer = row
        grows = ""
        if index:
            _size, fewer, *_others, less, _memory, _peer = rows[index - 1]
            power = log(float(total) / float(less)) / log(float(findings) / float(fewer))
            grows = f"n^{power:.2f}"
        table.append(
            [
                size,
                f"{int(findings):,}",
                *(number(float(one), " s") for one in seconds),
                number(float(total), " s"),
                number(float(memory), " MB"),
                number(float(peer), " s") if peer else "",
                ratio(float(peer), float(total)) if peer else "",
                grows,
            ]
        )
    print(markdown(head, table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
