"""Files are read by what is in them, and what is wrong is said by its place."""

import io
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from django_network_hc.engine.ledger import is_open
from django_network_hc.exceptions import InputError
from django_network_hc.readers import (
    read_ignored_findings,
    read_ignored_tests,
    read_inventory,
    read_report,
    read_tracker,
    report_name,
)
from django_network_hc.readers.cells import day, node_id, normalised, text
from django_network_hc.readers.workbooks import Limits
from tests.network.samples import EXPECTED, TRACKER, folder

NAME = "Alder_Reports_20250206.xlsx"
FINDING = [
    *("HCID", "act FLC/EC", "Location", "UserLabel", "Type", "TestDate", "Ver"),
    *("Test", "Res", "Prio", "Issue", "Findings", "Task", "Release"),
]
SUMMARY = ["Site Name", "HCID", "HC Date", "act FLC/EC", "Release", "PSS Type"]
ROW = ["119658", "", "L", "S", "WDM", "20250206", "", "0.6", "1", "WARNING", "I", "F", "T", "R"]
NODE = ["LOC / SID/2 ", "119658", datetime.fromisoformat("2025-02-06"), "", "", "1830PSS8-WDM"]


def workbook(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name.replace("_", " "))
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


@pytest.fixture
def report(tmp_path):
    def make(
        rows: list[list[object]] | None = None,
        nodes: list[list[object]] | None = None,
        *,
        header: list[str] = FINDING,
        name: str = NAME,
    ) -> Path:
        return workbook(
            tmp_path / name,
            Network_Report_Summary=[SUMMARY, *(nodes if nodes is not None else [NODE])],
            CWBP=[header, *(rows if rows is not None else [ROW])],
        )

    return make


class TestNames:
    @pytest.mark.parametrize(
        ("name", "network", "when"),
        [
            ("Alder_Reports_20250206.xlsx", "Alder", date(2025, 2, 6)),
            ("A_B_Reports_Reports_20241231.XLSX", "A_B_Reports", date(2024, 12, 31)),
            ("Alder_reports_20250206.xlsx", "Alder", date(2025, 2, 6)),
        ],
    )
    def test_report_says_its_network_and_day(self, name, network, when):
        assert report_name(name) == (network, when)

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("Alder_Reports_2025.xlsx", "is called {Network}_Reports_YYYYMMDD.xlsx"),
            ("_Reports_20250206.xlsx", "is called"),
            (" _Reports_20250206.xlsx", "is called"),
            ("Alder_Reports_20250206.xls", "is called"),
            ("Alder_Reports_20251306.xlsx", "20251306 is no day"),
            ("~$Alder_Reports_20250206.xlsx", "the lock of an open workbook"),
            ('a<b>:"|?*_Reports_20250206.xlsx', "a network is called by"),
            ("..\\x_Reports_20250206.xlsx", "a network is called by"),
            ("a\nb_Reports_20250206.xlsx", "is called"),
            ("=x_Reports_20250206.xlsx", "a network is called by"),
            (f"{'a' * 120}_Reports_20250206.xlsx", "a network is called by"),
        ],
    )
    def test_other_names_are_refused(self, name, words):
        with pytest.raises(InputError, match=words):
            report_name(name)

    def test_folders_are_no_part_of_a_name(self):
        assert report_name("../../etc/Alder_Reports_20250206.xlsx").network == "Alder"


class TestCells:
    def test_text(self):
        assert [text(one) for one in ("x", None, 5.0, 5.5, 7, True)] == [
            *("x", "", "5", "5.5", "7", "True")
        ]
        assert text(datetime.fromisoformat("2025-02-06")) == "2025-02-06"

    def test_node_id(self):
        assert [node_id(one) for one in (119658.0, "119658", " 119658 ", 119658)] == [119658] * 4
        assert [node_id(one) for one in ("", None, "x", 1.5, "-5", "²", "1" * 12)] == [None] * 7

    @pytest.mark.parametrize(
        "cell",
        [
            *(
                date(2025, 2, 6),
                datetime.fromisoformat("2025-02-06T03:00"),
                "20250206",
                20250206.0,
                "2025-02-06",
            ),
            *("06.02.2025", "06-Feb-2025", "6-Feb-25", 45694, 45694.5),
        ],
    )
    def test_day(self, cell):
        assert day(cell) == date(2025, 2, 6)

    def test_no_day(self):
        cells = ("", None, "never tested", "20251306", 5.5, "202512", "00010101", True, 1e9)

        assert [day(one) for one in cells] == [None] * 9

    def test_headers_are_the_same_however_they_are_written(self):
        assert normalised("HC-Id") == normalised("HCID") == normalised(" hc id ")
        assert normalised("Temp(oC)") == normalised("Temp (oC)")


class TestReport:
    def test_sample_is_read(self):
        found = read_report(folder(0) / EXPECTED[0]["report"])

        assert (found.name.network, found.name.day) == ("Alder_DWDM", date(2025, 2, 6))
        assert len(found.findings) == 574
        assert (len(found.nodes), found.notes) == (43, [])
        assert found.findings[0].tested_on == date(2025, 2, 6)

    def test_site_is_split_at_its_first_slash(self, report):
        [node] = read_report(report()).nodes

        assert (node.location, node.sid) == ("LOC", "SID/2")

    def test_ids_may_be_numbers_under_another_header(self, report):
        header = ["HC Id", *FINDING[1:]]

        [found] = read_report(report([[119658, *ROW[1:]]], header=header)).findings

        assert found.node == 119658

    def test_columns_may_stand_in_any_order(self, report):
        [found] = read_report(report([ROW[::-1]], header=FINDING[::-1])).findings

        assert (found.node, found.test, found.text) == (119658, "0.6", "F")

    def test_sums_and_blank_rows_are_no_nodes(self, report):
        sums = ["Total Network Issues", None, None, None, None, None]

        found = read_report(report(nodes=[NODE, [None] * 6, [None] * 6, sums]))

        assert [one.node for one in found.nodes] == [119658]

    def test_site_without_an_id_is_noted(self, report):
        found = read_report(report(nodes=[NODE, ["LOC/SID", None, "", "", "", ""]]))

        assert found.notes == ["Row 3 of Network Report Summary has no HCID: 'LOC/SID'."]

    def test_last_node_counts_without_a_blank_row_after_it(self, report):
        sums = ["Total Network Issues", None, None, None, None, None]

        assert len(read_report(report(nodes=[NODE, sums])).nodes) == 1

    def test_never_tested_node_has_no_day(self, report):
        never = ["LOC / SID", "5", "never tested", "", "", ""]

        found = read_report(report(nodes=[NODE, never]))

        assert found.nodes[1].tested_on is None
        assert found.notes == []

    def test_finding_without_a_day_is_noted_and_kept(self, report):
        found = read_report(report([[*ROW[:5], "soon", *ROW[6:]], ROW]))

        assert [one.tested_on for one in found.findings] == [None, date(2025, 2, 6)]
        assert found.notes == ["1 findings have no day in TestDate."]

    def test_node_that_is_there_twice_is_noted(self, report):
        found = read_report(report(nodes=[NODE, NODE]))

        assert (len(found.nodes), len(found.notes)) == (1, 1)

    def test_numbers_in_texts_do_no_harm(self, report):
        [found] = read_report(report([[*ROW[:12], 5, 7.5]])).findings

        assert (found.task, found.release) == ("5", "7.5")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (
                {"rows": [["x", *ROW[1:]]]},
                r"sheet 'CWBP', row 2, column 'HCID': 'x' is no HC id",
            ),
            (
                {"nodes": [["L/S", "x", "", "", "", ""]]},
                r"sheet 'Network Report Summary', row 2, column 'HCID'",
            ),
            ({"nodes": []}, "it names no node"),
            ({"header": FINDING[1:]}, r"sheet 'CWBP', row 1, column 'HCID': it is missing"),
            ({"header": [*FINDING, "hc-id"]}, r"column 'HCID': it is there twice"),
        ],
    )
    def test_what_is_wrong_is_said_by_its_place(self, report, change, words):
        with pytest.raises(InputError, match=words) as error:
            read_report(report(**change))

        assert str(error.value).startswith(f"{NAME}, ")

    def test_missing_sheet_is_said(self, tmp_path):
        with pytest.raises(InputError, match=r"sheet 'CWBP': there is no such sheet; it has Other"):
            read_report(workbook(tmp_path / NAME, Other=[["x"]]))


class TestHostileFiles:
    def refused(self, path: Path, **limits: float) -> str:
        with pytest.raises(InputError) as error:
            read_report(path, limits=Limits(**limits))
        return str(error.value)

    def test_nothing(self, tmp_path):
        path = tmp_path / NAME
        path.touch()

        assert self.refused(path) == f"{NAME}: it is empty."
        assert "it cannot be opened" in self.refused(tmp_path / "nowhere" / NAME)

    def test_old_workbook_under_a_new_name(self, tmp_path):
        path = tmp_path / NAME
        path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(100))

        assert "an old .xls or is encrypted" in self.refused(path)

    @pytest.mark.parametrize("content", [b"PK\x03\x04 no archive", b"<html>", b"a;b;c"])
    def test_what_is_no_workbook(self, tmp_path, content):
        path = tmp_path / NAME
        path.write_bytes(content)

        assert self.refused(path)

    def test_archive_that_is_no_workbook(self, tmp_path):
        path = tmp_path / NAME
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("../../etc/passwd", "x")

        assert "no workbook" in self.refused(path)

    def test_macros(self, report):
        path = report()
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("xl/vbaProject.bin", "x")

        assert "it has macros" in self.refused(path)

    def test_bomb(self, report):
        path = report()
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet9.xml", bytes(5_000_000))

        assert "that is no report" in self.refused(path)

    def test_huge_file_that_holds_nothing(self, tmp_path):
        path = tmp_path / NAME
        with path.open("wb") as file:
            file.write(b"PK\x03\x04")
            os.truncate(file.fileno(), 2_000_000_000)

        assert "2,000 MB; 100 MB are the most" in self.refused(path)

    @pytest.mark.parametrize(
        ("cell", "words"),
        [
            ("XFD1048576", "a cell beyond column ZZ"),
            ("ZZZZZZZZZZ2", "a cell beyond column ZZ"),
            ("A4000000000", "reaches to row 4,000,000,000"),
            ("ZZ1048576", "reaches to row 1,048,576"),
        ],
    )
    def test_cell_that_is_far_away(self, report, cell, words):
        path = report()
        content = io.BytesIO()
        row = re.sub("[A-Z]", "", cell)
        far = f'<row r="{row}"><c r="{cell}"><v>1</v></c></row></sheetData>'
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(content, "w") as new:
            for part in old.infolist():
                text = old.read(part)
                if part.filename.endswith("sheet2.xml"):
                    text = text.replace(b"</sheetData>", far.encode())
                new.writestr(part, text)
        path.write_bytes(content.getvalue())

        assert words in self.refused(path)

    def test_what_is_wrong_is_said_of_the_name_that_was_given(self, tmp_path):
        path = tmp_path / "stored"
        path.write_bytes(b"x")

        with pytest.raises(InputError, match=f"^{NAME}: "):
            read_report(path, file=NAME)

    def test_damaged_part(self, report):
        path = report()
        content = io.BytesIO()
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(content, "w") as new:
            for part in old.infolist():
                is_sheet = part.filename.endswith("sheet2.xml")
                new.writestr(part, b"<broken" if is_sheet else old.read(part))
        path.write_bytes(content.getvalue())

        assert self.refused(path)


class TestInventory:
    HEADER = (
        "HC-Id;Location;Rack;Shelf;Slot;Sub;CLEI;Part number;Serial number;Temp(oC);Power(W);TxPwr;"
        "RxPwr;Power Admin;TL1 Type;Mnemonic;Company;ExtraData;Date;HC Date;Shelf Type;Release"
    )
    OLD_HEADER = (
        "HC-Id;Location;Rack;Shelf;Slot;Sub;CLEI;Part number;Serial number;Temp (oC);Power (W);"
        "TX Pwr;RX Pwr;TL1 Type;Mnemonic;Company;ExtraData;FabDate;HC Date;Shelf Type;Release"
    )
    LINE = "5;L;1;1;0;0;;;SN;;;;;N/A;TL1;BOARD;C;;;20250206;SHELF;"

    def read(self, tmp_path: Path, content: str | bytes, **options):
        path = tmp_path / "Alder_Inventory.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_inventory(path, **options)

    def test_boards_are_read_by_their_headers(self, tmp_path):
        old = self.LINE.replace("N/A;", "")

        for header, line in ((self.HEADER, self.LINE), (self.OLD_HEADER, old)):
            [item] = self.read(tmp_path, f"{header}\n{line}\n").items
            assert item[:4] == (5, "BOARD", "SHELF", "SN")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
    def test_letters_of_any_code_page(self, tmp_path, encoding):
        line = self.LINE.replace("BOARD", "Ödön")

        [item] = self.read(tmp_path, f"{self.HEADER}\r\n{line}".encode(encoding)).items

        assert item.mnemonic == "Ödön"

    def test_lines_that_are_none_are_left_out_and_said(self, tmp_path):
        lines = ["", ";;;", "x;L", "6;short", self.LINE]

        found = self.read(tmp_path, "\n".join([self.HEADER, *lines]))

        assert [one.node for one in found.items] == [5]
        assert found.notes == [
            "Line 4 was left out: its HC-Id is no number.",
            "Line 5 was left out: it has 2 fields.",
        ]

    def test_inch_is_no_quote(self, tmp_path):
        lines = [self.LINE.replace(";C;", f";C;{text}", 1) for text in ('"19 inch', "x", '19"')]

        found = self.read(tmp_path, "\n".join([self.HEADER, *lines]))

        assert (len(found.items), found.notes) == (3, [])

    def test_line_with_a_field_too_many_is_left_out(self, tmp_path):
        shifted = self.LINE.replace("BOARD", "a;b")

        found = self.read(tmp_path, "\n".join([self.HEADER, shifted, self.LINE]))

        assert len(found.items) == 1
        assert found.notes == ["Line 2 was left out: it has 23 fields."]

    def test_many_bad_lines_are_counted(self, tmp_path):
        found = self.read(tmp_path, "\n".join([self.HEADER, *["x;L"] * 25, self.LINE]))

        assert len(found.notes) == 21
        assert found.notes[-1] == "5 more lines were left out."

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "it is empty"),
            (b" \n\n", "it is empty"),
            (b"PK\x03\x04\0\0", "it is no text"),
            (b"a;b\n1;2", "column 'HC-Id': it is missing"),
            (HEADER.replace("Mnemonic", "Name").encode(), "column 'Mnemonic': it is missing"),
            (f"{HEADER}\n5;{'x' * 200_000}".encode(), "field larger than"),
            (b";" * 20_000, "it has 20,001 fields"),
            (f"{HEADER}\n{LINE};\n{LINE};".encode(), "no line fits the header. Line 2 was"),
        ],
    )
    def test_what_is_no_inventory_is_refused(self, tmp_path, content, words):
        with pytest.raises(InputError, match=words):
            self.read(tmp_path, content)

    def test_large_one_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="the most"):
            self.read(tmp_path, self.HEADER, most_mb=1e-6)
        with pytest.raises(InputError, match="cannot be opened"):
            read_inventory(tmp_path / "nowhere.csv")


class TestIgnores:
    def test_tests_are_read_and_the_rest_is_said(self, tmp_path):
        path = tmp_path / "ignored.txt"
        path.write_text("5.2.1\n\n# weekly\n 10.10 # noisy\n1|5.2.1\n5.2.1\n", encoding="utf-8")

        found = read_ignored_tests(path)

        assert found.tests == ["5.2.1", "10.10"]
        assert found.notes == ["Line 5 of ignored.txt is no test: '1|5.2.1'."]

    def test_long_list_is_read_at_once_and_its_faults_are_counted(self, tmp_path):
        path = tmp_path / "ignored.txt"
        tests = [f"{one}.{two}" for one in range(100) for two in range(100)]
        path.write_text("\n".join([*tests, *["?"] * 30, "\u0665.\u0662"]), encoding="utf-8")

        found = read_ignored_tests(path)

        assert found.tests == tests
        assert (len(found.notes), found.notes[-1]) == (
            *(21, "11 more lines of ignored.txt are no tests."),
        )
        with pytest.raises(InputError, match="more than 0.01 MB"):
            read_ignored_tests(path, most_mb=0.01)

    def test_file_that_is_no_text(self, tmp_path):
        path = tmp_path / "ignored.txt"
        path.write_bytes(b"\0\0")

        with pytest.raises(InputError, match="no text"):
            read_ignored_tests(path)
        with pytest.raises(InputError, match="cannot be opened"):
            read_ignored_tests(tmp_path / "nowhere.txt")

    def test_findings_of_either_layout(self, tmp_path):
        of_report = [["HC Id", *FINDING[1:]], ["119658", *ROW[1:]], [119658, *ROW[1:]]]
        of_tracker = [
            ["HC Date", "HC Id", "Test Case", "Category", "Issue", "Finding"],
            ["", 119658, "0.6", "WARNING", "I", "F"],
        ]

        for rows in (of_report, of_tracker):
            found = read_ignored_findings(workbook(tmp_path / "ignored.xlsx", MAIN=rows))
            assert set(found.selections) == {(119658, "0.6", "WARNING", "F")}
            assert found.notes == []

    def test_rows_that_are_none_are_said(self, tmp_path):
        rows = [["HC Id", *FINDING[1:]], ["x", *ROW[1:]], [None] * 14]

        found = read_ignored_findings(workbook(tmp_path / "ignored.xlsx", MAIN=rows))

        assert found.selections == []
        assert found.notes == ["Row 2 of ignored.xlsx has no HC Id or no test."]


class TestTracker:
    def test_sample_is_read(self):
        found = read_tracker(TRACKER)

        assert {name: len(rows) for name, rows in found.cases.items()} == {
            "MAIN": 491,
            "OPEN": 454,
            "CLOSED": 37,
            "IGNORED": 0,
        }
        assert len(found.open_cases) == 454
        assert list(found.columns) == [date(2025, 1, 6)]
        assert found.notes == []

    @pytest.mark.parametrize("status", ["OPEN", "Open", "open ", "In progress", ""])
    def test_case_is_open_unless_it_is_closed(self, status):
        assert is_open(status)
        assert not is_open("CLOSED")
        assert not is_open(" Ignored ")

    @pytest.fixture
    def edited(self, tmp_path: Path) -> Callable[[Callable[[Any], None]], Path]:
        def edit(change: Callable[[Any], None]) -> Path:
            book = load_workbook(TRACKER)
            change(book)
            path: Path = tmp_path / TRACKER.name
            book.save(path)
            return path

        return edit

    def test_what_engineers_write_is_read_whatever_it_is(self, edited):
        def change(book):
            book["MAIN"]["M2"], book["MAIN"]["Q2"], book["MAIN"]["R2"] = "In progress", 123, 4.5

        case = read_tracker(edited(change)).cases["MAIN"][0]

        assert (case.status, case.engineering.card, case.engineering.remarks) == (
            *("In progress", "123", "4.5"),
        )

    def test_row_that_a_template_begins_with_is_no_case(self, edited):
        def change(book):
            row = [datetime.fromisoformat("2023-10-08"), 12345, "1.2.3.4", *[""] * 9, "CLOSED"]
            book["MAIN"].append(row)

        assert len(read_tracker(edited(change)).cases["MAIN"]) == 491

    def test_second_row_of_a_node_is_one_node(self, edited):
        def change(book):
            book["NODE COVERAGE"].append(
                [119658, "Not Known", "LOC ", " SID", "Not Known", "never tested"]
            )

        found = read_tracker(edited(change))

        assert (len(found.nodes), len(found.notes)) == (40, 1)

    def test_open_case_that_stands_twice_is_one(self, edited):
        def change(book):
            sheet = book["MAIN"]
            row = next(r for r in sheet.iter_rows(min_row=2) if r[12].value == "OPEN")
            sheet.append([cell.value for cell in row[:16]] + ["SN9", "seen"])

        found = read_tracker(edited(change))

        assert (len(found.cases["MAIN"]), len(found.open_cases)) == (491, 454)
        assert "are the same open case: taken as one" in found.notes[0]
        joined = next(one for one in found.open_cases if one.engineering.remarks)
        assert (joined.engineering.card, joined.engineering.remarks) == ("SN9", "seen")

    def test_columns_that_people_added_are_kept_whatever_they_are_called(self, edited):
        added = {"\u5907\u6ce8": "a", "%": "b", "Ticket": "T-1", "Hours": 3.5}
        when = datetime.fromisoformat("2025-03-01T14:30")

        def change(book):
            for sheet in ("MAIN", "OPEN"):
                for at, (header, value) in enumerate(added.items(), start=19):
                    book[sheet].cell(1, at).value = header
                    book[sheet].cell(2, at).value = value
                book[sheet].cell(1, 23).value = "Ticket"
                book[sheet].cell(2, 23).value = "T-2"
                book[sheet].cell(2, 24).value = when

        case = read_tracker(edited(change)).cases["MAIN"][0]

        assert dict(case.extras) == {
            **{header: str(value) for header, value in added.items()},
            "Ticket (2)": "T-2",
            "Column 24": "2025-03-01 14:30:00",
        }

    def test_column_of_the_coverage_that_is_no_day_is_said(self, edited):
        def change(book):
            sheet = book["NODE COVERAGE"]
            sheet["G1"], sheet["H1"], sheet["H2"] = "Owner", 45694, "never tested"

        found = read_tracker(edited(change))

        assert list(found.columns) == [date(2025, 1, 6), date(2025, 2, 6)]
        assert found.notes == ["NODE COVERAGE: column 'Owner' is no day, and was left out."]

    def test_bad_id_is_said_by_its_place(self, edited):
        def change(book):
            book["OPEN"]["B3"] = "n/a"

        with pytest.raises(InputError, match=r"sheet 'OPEN', row 3, column 'HC Id': 'n/a' is no"):
            read_tracker(edited(change))

    def test_report_is_no_tracker(self):
        with pytest.raises(InputError, match=r"sheet 'MAIN': there is no such sheet"):
            read_tracker(folder(0) / EXPECTED[0]["report"])
