"""
A month of an optical network at three sizes: reading, judging, writing all its files.

The second of two months is measured, from the tracker that the first one wrote: in a process of its
own for each size, so that the peak of its memory is its own; the
first month is in that peak. Beside it stands what the published
script does with the same files, as far as it is openpyxl's share: it loads the report and the
tracker whole, looks through a sheet for each case that it closes, formats each cell of the sheets,
and saves. That grows with the square of the findings, so it is measured at the smallest size alone.
"""

import json
import os
import sys
import tempfile
import time
from argparse import SUPPRESS, ArgumentParser
from math import log, nan
from pathlib import Path
from subprocess import run as run_process
from typing import TYPE_CHECKING, Any

from benchmarks._lib.accounting import peak_bytes
from benchmarks._lib.tables import markdown, number, ratio

if TYPE_CHECKING:
    from django_network_hc.readers import Tracker

EXAMPLE = Path(__file__).resolve().parent.parent / "example_project"
#: Nodes, findings and boards of a node.
SIZES = {"small": (40, 600, 12), "medium": (500, 20_000, 12), "large": (2_300, 110_000, 12)}
PEER_SIZE = "small"
STEPS = ("read", "judge", "write")


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


def process(month: Any, tracker: "Tracker | None", folder: Path, clock: Clock) -> tuple[Path, Any]:
    """Process a month, and return its tracker and what it came to."""
    from django_network_hc.engine.comparing import Options
    from django_network_hc.engine.ignoring import IgnoreRules
    from django_network_hc.engine.ledger import advanced, standing
    from django_network_hc.engine.outcome import judge
    from django_network_hc.readers import read_inventory, read_report
    from django_network_hc.workbooks.outputs import Check, write_outputs

    clock.stop("before")
    report, inventory = read_report(month.report), read_inventory(month.inventory)
    clock.stop("read")
    cases = tracker.cases["MAIN"] if tracker else []
    outcome = judge(
        standing(cases, tracker.nodes if tracker else {}),
        day=report.name.day,
        findings=report.findings,
        lines=report.nodes,
        inventory=inventory.items,
        rules=IgnoreRules(tests=frozenset({"5.2.1"})),
        options=Options(),
    )
    ledger = advanced(cases, outcome, network=report.name.network)
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


def measure(size: str) -> dict[str, float]:
    """Process two months of a network, and return what the second one took."""
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
        found = {name: clock.seconds[name] for name in STEPS}
        found["findings"] = outcome.counts()["report_rows"]
        found["memory"] = peak_bytes([os.getpid()]) / 1e6
        if size == PEER_SIZE:
            clock.stop("before")
            published(second, before, set(outcome.comparison.closed))
            clock.stop("published")
            found["published"] = clock.seconds["published"]
    return found


def main() -> int:
    """Measure each size in a process of its own, and print a table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the largest")
    parser.add_argument("--size", choices=SIZES, help=SUPPRESS)
    options = parser.parse_args()
    if options.size:
        print(json.dumps(measure(options.size)))
        return 0
    table = []
    before: tuple[float, float] | None = None
    for size in list(SIZES)[: 2 if options.quick else 3]:
        command = [sys.executable, "-m", "benchmarks.network_hc", "--size", size]
        done = run_process(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        total = sum(found[name] for name in STEPS)
        peer = found.get("published", nan)
        grows = ""
        if before:
            power = log(total / before[0]) / log(found["findings"] / before[1])
            grows = f"n^{power:.2f}"
        before = (total, found["findings"])
        table.append(
            [
                size,
                f"{found['findings']:,}",
                *(number(found[name], " s") for name in STEPS),
                number(total, " s"),
                number(found["memory"], " MB"),
                number(peer, " s"),
                ratio(peer, total),
                grows,
            ]
        )
    head = ["", "findings", *STEPS, "CPU", "memory", "published", "ratio", "grows"]
    print(markdown(head, table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
