"""The files have the names, sheets and cells that they always had, and carry the network on."""

import csv
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from django_network_hc.engine.ledger import advanced, standing
from django_network_hc.engine.outcome import Outcome, Standing
from django_network_hc.engine.rows import Case
from django_network_hc.readers import read_tracker
from django_network_hc.workbooks.outputs import Check, column_of, tracker_name, write_outputs
from tests.network.samples import EXPECTED, NETWORK, beginning, inventory, outcome, report, tracker


def check_of(month: int, before: Standing, cases: list[Case], columns: dict[Any, Any]) -> Check:
    found = outcome(before, month)
    return Check(
        network=NETWORK,
        outcome=found,
        ledger=advanced(cases, found, network=NETWORK),
        columns=columns,
        inventory_header=inventory(month).header,
        report=EXPECTED[month]["report"],
        inventory=f"{NETWORK}_Inventory.csv",
    )


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> tuple[Check, dict[str, Path]]:
    check = check_of(0, beginning(), tracker().cases["MAIN"], tracker().columns)
    paths = write_outputs(tmp_path_factory.mktemp("run"), check)
    return check, {one.name: one for one in paths}


def sheet(path: Path, name: str) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in load_workbook(path)[name].iter_rows()]


@pytest.mark.parametrize(
    ("file", "name", "columns", "count"),
    [
        ("extracted_hc_test_cases.xlsx", "W & F", 14, "report_rows"),
        ("filtered_from_extracted_hc_test_cases.xlsx", "Filtered", 14, "active"),
        ("ignored_from_extracted_hc_test_cases.xlsx", "Ignored", 14, "ignored_selective"),
        (f"Closed in_{NETWORK}_20250206.xlsx", "CLOSED in Master", 18, "closed"),
        (f"New cases found in_{NETWORK}_20250206.xlsx", "NEW Cases found", 14, "new"),
        (f"{NETWORK}_OPEN cases for TAC_06-Feb-2025.xlsx", "OPEN Cases for TAC", 18, "open_after"),
    ],
)
def test_file_has_its_rows(first, file, name, columns, count):
    rows = sheet(first[1][file], name)

    assert len(rows) - 1 == EXPECTED[0]["counts"][count]
    assert {len(row) for row in rows} == {columns}


def test_second_step_has_what_no_global_rule_took(first):
    counts = EXPECTED[0]["counts"]

    rows = sheet(first[1]["two_step_extracted.xlsx"], "2 Step Extracted")

    assert len(rows) - 1 == counts["active"] + counts["ignored_selective"]


def test_findings_are_as_the_report_has_them(first):
    [_header, row, *_others] = sheet(first[1]["extracted_hc_test_cases.xlsx"], "W & F")
    finding = report(0).findings[0]

    assert row == [finding.node, *finding[1:5], "20250206", *finding[6:14]]


class TestTracker:
    @pytest.fixture
    def path(self, first: tuple[Check, dict[str, Path]]) -> Path:
        return first[1][f"{NETWORK}_HC_Issues_Tracker_06-02-2025.xlsx"]

    def test_sheets(self, path):
        assert load_workbook(path).sheetnames == [
            *("Summary", "MAIN", "OPEN", "CLOSED", "IGNORED", "NODE COVERAGE"),
            "20250206 Remote Inventory",
        ]

    def test_summary(self, path):
        cells = load_workbook(path)["Summary"]
        counts, coverage = EXPECTED[0]["counts"], EXPECTED[0]["coverage"]

        assert [cells[f"B{row}"].value for row in range(20, 24)] == [
            coverage[name] for name in ("total", "covered", "not_covered", "not_run_properly")
        ]
        assert [cells[f"G{row}"].value for row in range(20, 23)] == [
            counts[name] for name in ("open_after", "new", "closed")
        ]
        assert (cells["A19"].value, cells["A28"].value) == (
            *(EXPECTED[0]["report"], f"{NETWORK}_Inventory.csv"),
        )
        assert len(cells._charts) == 2

    def test_boards(self, path):
        rows = sheet(path, "Summary")[28:]
        header = rows[0][: next(i for i, one in enumerate(rows[0]) if one == "Total") + 1]

        found = {row[0]: dict(zip(header[1:], row[1:], strict=False)) for row in rows[1:] if row[0]}

        assert {
            board: {name: count for name, count in counts.items() if count}
            for board, counts in found.items()
        } == EXPECTED[0]["inventory"]

    def test_cases(self, path):
        counts = EXPECTED[0]["counts"]
        lengths = {name: len(sheet(path, name)) - 1 for name in ("MAIN", "OPEN", "CLOSED")}

        assert lengths == {
            "MAIN": counts["main_rows"],
            "OPEN": counts["open_after"],
            "CLOSED": counts["main_rows"] - counts["open_after"],
        }

    def test_what_is_ignored_says_by_which_rule(self, path):
        rows = sheet(path, "IGNORED")[1:]

        counts = EXPECTED[0]["counts"]
        assert len(rows) == counts["ignored_global"] + counts["ignored_selective"]
        assert {row[12] for row in rows} == {"IGNORED"}
        assert {row[17] for row in rows} == {
            "Test 5.2.1 is ignored on all nodes.",
            "Test 2.2.13 is ignored on all nodes.",
            "This finding is ignored on this node.",
        }

    def test_coverage(self, path):
        rows = sheet(path, "NODE COVERAGE")
        coverage = EXPECTED[0]["coverage"]

        assert len(rows) - 1 == coverage["total"]
        assert [one.date() for one in rows[0][5:]] == [date(2025, 1, 6), date(2025, 2, 6)]
        last = {
            str(row[0]): row[6] if isinstance(row[6], str) else row[6].date().isoformat()
            for row in rows[1:]
        }
        assert last == coverage["column"]
        assert {row[0] for row in rows[1:] if row[5] == "Not Added"} == set(coverage["joined"])

    def test_nodes_that_were_not_run_properly_are_coloured_and_explained(self, path):
        cells = load_workbook(path)["NODE COVERAGE"]
        coloured = {
            row[0].value: row[6]
            for row in cells.iter_rows(min_row=2)
            if row[6].fill.fill_type == "solid"
        }

        assert sorted(coloured) == EXPECTED[0]["coverage"]["not_run_properly_ids"]
        assert {one.fill.fgColor.rgb for one in coloured.values()} == {
            *("FFFFC0CB", "FFCCECFF", "FFFFFFBA"),
        }
        assert all(one.comment.text for one in coloured.values())
        assert "Missing" in cells["G1"].comment.text

    def test_inventory(self, path):
        rows = sheet(path, "20250206 Remote Inventory")

        assert len(rows) - 1 == EXPECTED[0]["counts"]["inventory_rows"]
        assert tuple(rows[0]) == inventory(0).header
        assert rows[1][0] == str(inventory(0).items[0].node)


def test_network_goes_on_from_the_tracker_that_was_written(tmp_path):
    """Month by month, each from the workbook of the one before: no number is lost on the way."""
    found, before = tracker(), beginning()
    expected: list[Outcome] = []
    for month in range(len(EXPECTED)):
        check = check_of(month, before, found.cases["MAIN"], found.columns)
        folder = tmp_path / str(month)
        folder.mkdir()
        found = read_tracker(write_outputs(folder, check)[-1], file=tracker_name(NETWORK))
        assert found.notes == []
        before = standing(found.cases["MAIN"], found.nodes)
        expected.append(check.outcome)
        assert check.outcome.counts() == EXPECTED[month]["counts"]
        assert len(check.ledger.closed) == EXPECTED[month]["counts"]["closed"]
        assert check.outcome.coverage_counts() == EXPECTED[month]["coverage"]
        assert found.columns[check.outcome.day] == column_of(check.outcome)
        assert {one.key for one in found.cases["OPEN"]} == set(before.open_cases)
    assert len(found.columns) == 4


def test_same_report_again_has_no_second_column(first, tmp_path):
    check, paths = first
    once = read_tracker(paths[f"{NETWORK}_HC_Issues_Tracker_06-02-2025.xlsx"])

    again = check_of(0, check.outcome.after, once.cases["MAIN"], once.columns)
    twice = read_tracker(write_outputs(tmp_path, again)[-1])

    assert twice.columns == once.columns
    assert {name: len(rows) for name, rows in twice.cases.items()} == {
        name: len(rows) for name, rows in once.cases.items()
    }


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_the_tracker_and_reads_what_is_in_it(first, tmp_path):
    path = first[1][f"{NETWORK}_HC_Issues_Tracker_06-02-2025.xlsx"]
    # Commas, quotes, UTF-8, and each sheet in a file of its own.
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"

    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", form, "--outdir", tmp_path, path],
        check=True,
        capture_output=True,
        timeout=180,
    )

    counts = EXPECTED[0]["counts"]
    lengths = {}
    for name in ("MAIN", "OPEN", "CLOSED", "NODE COVERAGE", "20250206 Remote Inventory"):
        with (tmp_path / f"{path.stem}-{name}.csv").open(encoding="utf-8", newline="") as file:
            lengths[name] = len(list(csv.reader(file))) - 1
    assert lengths == {
        "MAIN": counts["main_rows"],
        "OPEN": counts["open_after"],
        "CLOSED": counts["main_rows"] - counts["open_after"],
        "NODE COVERAGE": EXPECTED[0]["coverage"]["total"],
        "20250206 Remote Inventory": counts["inventory_rows"],
    }
