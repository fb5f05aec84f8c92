"""Files that are not what they should be: a clear sentence, a failed session, nothing changed."""

import io
import shutil
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_network_hc.exceptions import InputError
from django_network_hc.models import HealthCheckSession
from django_network_hc.readers import read_report, read_tracker
from django_network_hc.services.folders import checksum, script_folder
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import (
    month_files,
    open_report,
    prepared,
    run,
    run_month,
    state_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

REPORT = f"{NETWORK}_Reports_20250206.xlsx"


def nothing(path):
    path.write_bytes(b"")


def old_workbook(path):
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000)


def text(path):
    path.write_text("HCID;act FLC/EC\n123456;10.0.0.1\n")


def bomb(path):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet99.xml", b"0" * 900_000_000)


def macros(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"code")


def wrong_sheet(path):
    changed(path, lambda book: setattr(book["CWBP"], "title", "Findings"))


def missing_header(path):
    changed(path, lambda book: setattr(book["CWBP"]["H1"], "value", "Number"))


def bad_id(path):
    changed(path, lambda book: setattr(book["CWBP"]["A5"], "value", "node 5"))


def long_test(path):
    changed(path, lambda book: setattr(book["CWBP"]["H5"], "value", "5." * 80))


def cut_off(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def changed(path, change):
    book = open_report(path)
    change(book)
    book.save(path)
    book.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nothing, "empty"),
        (old_workbook, ".xls"),
        (text, "workbook"),
        (bomb, "unpacks to 902 MB"),
        (macros, "macro"),
        (wrong_sheet, "CWBP"),
        (missing_header, "column 'Test'"),
        (bad_id, "row 5, column 'HCID'"),
        (long_test, "row 5, column 'Test'"),
        (cut_off, REPORT),
    ],
)
def test_spoilt_report_changes_nothing_and_says_why(root, tmp_path, spoil, words):
    network = prepared(root)
    before = state_of(network), checksum(script_folder().tracker(NETWORK))
    report = tmp_path / REPORT
    shutil.copyfile(month_files(0)[0], report)
    spoil(report)

    with pytest.raises(InputError, match=REPORT) as caught:
        run(network, report, month_files(0)[1])

    assert words in str(caught.value)
    session = HealthCheckSession.objects.latest("pk")
    assert (session.status, session.error_messages) == ("FAILED", str(caught.value))
    assert (state_of(network), checksum(script_folder().tracker(NETWORK))) == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\0\0\0\0", "no text"),
        (b"a;b;c\n1;2;3\n", "column 'HC-Id'"),
        (b"PK\x03\x04 a workbook\0", "no text"),
    ],
)
def test_spoilt_inventory_changes_nothing_and_says_why(root, tmp_path, content, words):
    network = prepared(root)
    before = state_of(network)
    inventory = tmp_path / "Inventory.csv"
    inventory.write_bytes(content)

    with pytest.raises(InputError, match=r"Inventory\.csv") as caught:
        run(network, month_files(0)[0], inventory)

    assert words in str(caught.value)
    assert HealthCheckSession.objects.latest("pk").status == "FAILED"
    assert state_of(network) == before


def test_inventory_in_the_code_page_of_windows_is_read(root, tmp_path):
    network = prepared(root)
    inventory = tmp_path / "Inventory.csv"
    lines = month_files(0)[1].read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace(lines[1].split(";")[1], "Málaga / Süd")
    inventory.write_bytes("\n".join(lines).encode("cp1252"))

    session = run(network, month_files(0)[0], inventory)

    assert session.counts == EXPECTED[0]["counts"]
    assert session.inventory.order_by("pk")[0].cells[1] == "Málaga / Süd"


@pytest.mark.parametrize(
    "text",
    [
        "tab\tand\nline",
        "back\\slash \\N",
        "\U0001f4a5 four bytes",
        "_x0000_ nothing",
        "\u202eright",
    ],
)
def test_odd_characters_are_kept_on_their_way_through_the_database(root, tmp_path, text):
    network = prepared(root)
    report = tmp_path / REPORT
    shutil.copyfile(month_files(0)[0], report)

    def write(book):
        for row in (9, 10):
            book["CWBP"].cell(row, 8).value = "77.7"
            book["CWBP"].cell(row, 12).value = f"{text} {row}"
            book["CWBP"].cell(row, 3).value = "x" * 400

    changed(report, write)

    run(network, report, month_files(0)[1])

    found = set(network.cases.filter(test="77.7").values_list("text", flat=True))
    known = {one.text for one in read_report(report).findings if one.test == "77.7"}
    assert found == known
    assert len(found) == 2
    assert run_month(network, 1).status == "COMPLETED"


def test_finding_that_looks_like_a_formula_stays_a_text(root, tmp_path):
    network = prepared(root)
    report = tmp_path / REPORT
    shutil.copyfile(month_files(0)[0], report)
    hostile = '=HYPERLINK("http://198.51.100.1","x")'

    def write(book):
        book["CWBP"]["H9"].value = "77.7"
        cell = book["CWBP"]["L9"]
        cell.value, cell.data_type = hostile, "s"

    changed(report, write)

    run(network, report, month_files(0)[1])

    assert network.cases.filter(text=hostile).exists()
    path = script_folder().tracker(NETWORK)
    assert hostile in {one.key[4] for one in read_tracker(path).cases["OPEN"]}
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any(b"<f>" in archive.read(name) for name in sheets[1:])


def test_number_of_queries_does_not_grow_with_findings(root, tmp_path):
    """Not with 300 findings, nor with 3000: only the parts of what is new are counted."""
    counts = []
    for number, copies in enumerate((1, 10)):
        network = prepared(root, name=f"N{number}")
        report, inventory = month_files(0)
        path = tmp_path / f"N{number}_Reports_20250206.xlsx"
        shutil.copyfile(report, path)
        changed(path, lambda book, copies=copies: repeated(book["CWBP"], copies))
        with CaptureQueriesContext(connection) as caught:
            session = run(network, path, inventory)
        assert session.counts["report_rows"] >= copies * 500
        statements = [one["sql"].lstrip('"').split("(")[0] for one in caught]
        inserted = sum(one.startswith("INSERT") for one in statements)
        counts.append((len(caught) - inserted, inserted))

    # SQLite takes so many parameters in a statement; the servers take a part of 5,000 at once.
    assert counts[0][0] == counts[1][0]
    assert connection.vendor == "sqlite" or counts[0] == counts[1]


def repeated(sheet, copies):
    """Write the findings of a report several times, each time with another text."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    for copy in range(1, copies):
        for row in rows:
            sheet.append([*row[:11], f"{row[11]} ({copy})", *row[12:]])


def test_report_of_one_finding_closes_all_others(root, tmp_path):
    network = prepared(root)
    run_month(network, 0)
    report = tmp_path / month_files(1)[0].name
    shutil.copyfile(month_files(1)[0], report)
    changed(report, lambda book: book["CWBP"].delete_rows(3, book["CWBP"].max_row))

    session = run(network, report, month_files(1)[1])

    assert session.counts["report_rows"] == 1
    assert session.counts["open_after"] <= 1
    assert network.cases.filter(closed_by=session).count() == session.counts["closed"]
