"""What is written is read again as it was, by others, and is a text when it is one."""

from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from django_network_hc.workbooks import Book, Column, Kind, Table
from django_network_hc.workbooks import books as books_module
from django_network_hc.workbooks.cells import LONGEST_TEXT, column_name

FEB = date(2025, 2, 6)
COLUMNS = (Column("Day", kind=Kind.DAY), Column("Id", kind=Kind.NUMBER), Column("Text", 40))


def written(folder: Path, *tables: Table) -> Path:
    path = folder / "book.xlsx"
    with Book(path) as book:
        for table in tables:
            book.add(table)
    return path


def values(path: Path, sheet: str) -> list[list[object]]:
    return [[cell.value for cell in row] for row in load_workbook(path)[sheet].iter_rows()]


class TestTable:
    def test_it_is_read_as_it_was_written(self, tmp_path):
        rows = [[FEB, 119658, "x"], [None, 1.5, ""], [FEB, "n/a", FEB], [FEB]]

        path = written(tmp_path, Table("MAIN", COLUMNS, rows), Table("A & <B>", COLUMNS, []))

        moments = load_workbook(path)["MAIN"]
        assert [[cell.value for cell in row] for row in moments.iter_rows(min_row=2)] == [
            [moments["A2"].value, 119658, "x"],
            [None, 1.5, None],
            [moments["A2"].value, "n/a", moments["C4"].value],
            [moments["A2"].value, None, None],
        ]
        assert moments["A2"].value.date() == moments["C4"].value.date() == FEB
        assert values(path, "A & <B>") == [["Day", "Id", "Text"]]
        assert CalamineWorkbook.from_path(path).get_sheet_by_name("MAIN").to_python()[1] == (
            [FEB, 119658.0, "x"]
        )

    @pytest.mark.parametrize(
        "text",
        [
            *("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "{=1}"),
            *("<b>&amp;</b>", ' "x" ', "two\nlines", "a\r\nb", "Ödön 日本 \U0001f50c", "007"),
            "http://example.com",
        ],
    )
    def test_text_is_a_text(self, tmp_path, text):
        path = written(tmp_path, Table("MAIN", (Column("Text"),), [[text]]))

        cell = load_workbook(path)["MAIN"]["A2"]

        assert (cell.value, cell.data_type) == (text, "s")
        assert CalamineWorkbook.from_path(path).get_sheet_by_name("MAIN").to_python()[1] == [text]

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("a\x0bb\x00", "a\x0bb\x00"),
            ("half \ud83d", "half \ufffd"),
            ("_x0041_", "_x0041_"),
            ("__x0041_", "__x0041_"),
        ],
    )
    def test_what_xml_has_no_place_for_breaks_nothing(self, tmp_path, text, kept):
        path = written(tmp_path, Table("MAIN", (Column("Text"),), [[text]]))

        # openpyxl leaves such characters written out.
        assert load_workbook(path)["MAIN"]["A2"].data_type == "s"
        assert CalamineWorkbook.from_path(path).get_sheet_by_name("MAIN").to_python()[1] == [kept]

    def test_text_that_is_too_long_is_cut(self, tmp_path):
        path = written(tmp_path, Table("MAIN", (Column("Text"),), [["x" * 40_000]]))

        assert len(load_workbook(path)["MAIN"]["A2"].value) == LONGEST_TEXT

    def test_formats_comments_and_colours(self, tmp_path):
        table = Table(
            "MAIN",
            (*COLUMNS, Column(FEB)),
            [[FEB, 5, "x", FEB], [FEB, 6, "y", FEB], [FEB, 7, "z", FEB]],
            comments={(0, 3): "Not Added: older", (1, 3): "stopped"},
            colours={(1, 3): "FFC0CB", (3, 3): "CCECFF"},
        )

        sheet = load_workbook(written(tmp_path, table))["MAIN"]

        assert [sheet[f"D{row}"].fill.fgColor.rgb for row in (2, 3, 4)] == [
            *("FFFFC0CB", "00000000", "FFCCECFF"),
        ]
        assert [sheet[f"{one}2"].number_format for one in "AB"] == ["d-mmm-yy", "0"]
        assert sheet["D1"].value.date() == FEB
        assert sheet["D2"].comment.text == "stopped"
        assert sheet["D2"].comment.author == "Automation Team"
        assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:D4")
        assert sheet.column_dimensions["C"].width == pytest.approx(40.7, abs=0.1)

    def test_more_rows_than_a_part_of_the_writing(self, tmp_path):
        rows = [[FEB, index, f"text {index}"] for index in range(1203)]

        path = written(tmp_path, Table("MAIN", COLUMNS, rows))

        found = values(path, "MAIN")
        assert [row[1] for row in found[1:]] == list(range(1203))

    def test_sheet_that_is_too_long_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(books_module, "MOST_ROWS", 3)

        with pytest.raises(ValueError, match="MAIN would have 3 rows; Excel holds 2"):
            written(tmp_path, Table("MAIN", COLUMNS, [[FEB]] * 3))
        assert list(tmp_path.iterdir()) == []


class TestBook:
    def test_nothing_is_there_before_the_end(self, tmp_path):
        path = tmp_path / "book.xlsx"
        with Book(path) as book:
            book.add(Table("MAIN", COLUMNS, []))
            assert not path.exists()

        assert [one.name for one in tmp_path.iterdir()] == ["book.xlsx"]

    def test_block_that_fails_leaves_what_was_there(self, tmp_path):
        path = tmp_path / "book.xlsx"
        path.write_text("old")

        with pytest.raises(KeyError), Book(path) as book:
            book.add(Table("MAIN", COLUMNS, []))
            raise KeyError

        assert path.read_text() == "old"
        assert [one.name for one in tmp_path.iterdir()] == ["book.xlsx"]

    def test_sheets_of_the_library_stand_beside_tables(self, tmp_path):
        path = tmp_path / "book.xlsx"
        with Book(path) as book:
            summary = book.library.add_worksheet("Summary")
            summary.write_string("A1", "=1", book.format(bold=True))
            book.add(Table("MAIN", COLUMNS, [[FEB, 5, "x"]]))
            chart = book.library.add_chart({"type": "column"})
            chart.add_series({"values": "=MAIN!$B$2:$B$2"})
            summary.insert_chart("C1", chart)

        found = load_workbook(path)
        assert found.sheetnames == ["Summary", "MAIN"]
        assert found["Summary"]["A1"].data_type == "s"
        assert len(found["Summary"]._charts) == 1


def test_columns_are_called_by_letters():
    assert [column_name(index) for index in (0, 25, 26, 51, 52, 701, 702)] == [
        *("A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"),
    ]
