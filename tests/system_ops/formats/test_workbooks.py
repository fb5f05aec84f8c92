"""Workbooks: what Excel and others find in them."""

import io
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_system_ops.exceptions import FormatError
from django_system_ops.formats import read_rows, writer_for, xlsx_files

openpyxl = pytest.importorskip("openpyxl")


def write(rows, *, guard=True, fields=("a", "b"), name="things"):
    sink = io.BytesIO()
    writer = writer_for("xlsx", sink, fields, name=name, guard=guard)
    try:
        for row in rows:
            writer.write(row)
    except FormatError:
        writer.abandon()
        raise
    writer.finish()
    return sink.getvalue()


def cells(data):
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True).active
    return sheet.title, [list(row) for row in sheet.iter_rows(values_only=True)]


def test_numbers_stay_numbers_and_long_ones_become_text():
    rows = [[1, -2.5], [10**15, Decimal("0.10")], [True, None], [float("inf"), Decimal("1E+40")]]

    title, found = cells(write(rows))

    assert title == "things"
    assert found == [
        ["a", "b"],
        [1, -2.5],
        ["1000000000000000", 0.1],
        [True, None],
        ["inf", "1E+40"],
    ]


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_texts_are_texts_and_never_formulas(text):
    data = write([[text, "=1+1"]], guard=False)

    row = openpyxl.load_workbook(io.BytesIO(data)).active[2]
    assert [one.data_type for one in row][1] == "s" or row[1].value == "=1+1"
    assert b"<f>" not in _sheet(data)


def test_guarded_texts_stay_texts_when_the_sheet_is_saved_as_csv():
    _, found = cells(write([["=1+1", ""], ["x", "'"]]))

    assert found[1:] == [["'=1+1", "'"], ["x", "''"]]


def test_a_text_that_no_cell_holds_is_refused_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    writer = writer_for("xlsx", io.BytesIO(), ["a"], name="things", guard=True)

    with pytest.raises(FormatError, match=r"'a' has 40,000 characters, and a cell 32,767"):
        writer.write(["x" * 40_000])
    writer.abandon()

    assert list(Path(tmp_path).iterdir()) == []


def test_a_sheet_has_an_end(monkeypatch):
    monkeypatch.setattr(xlsx_files, "XLSX_ROWS", 3)

    assert len(cells(write([["1", "2"], ["3", "4"]]))[1]) == 3
    with pytest.raises(FormatError, match="a sheet has 3 rows, and there are more: split them"):
        write([["1", "2"]] * 3)


def test_names_that_a_sheet_cannot_have_are_changed():
    assert cells(write([], name="a/b[c]:" + "x" * 40))[0] == "a-b-c--" + "x" * 24


def test_workbooks_are_not_read():
    with pytest.raises(FormatError, match="save the sheet as csv"):
        list(read_rows(io.BytesIO(b""), "xlsx"))


def _sheet(data):
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("xl/worksheets/sheet1.xml")
