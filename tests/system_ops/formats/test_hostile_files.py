"""Files that are broken, not what they say, or made to harm."""

import io
import itertools
import json
import sys
import tracemalloc

import pytest

from django_system_ops.exceptions import FormatError, SystemOpsError, WrongUsageError
from django_system_ops.formats import BadRow, Limits, Row, format_of, read_rows, writer_for

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    b"<rows><row><field name='x'>&b;</field></row></rows>"
)
OUTSIDE = (
    b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    b"<rows><row><field name='x'>&a;</field></row></rows>"
)


def read(format, data, **options):
    return list(read_rows(io.BytesIO(data), format, **options))


def refused(format, data, **options):
    with pytest.raises(FormatError) as caught:
        read(format, data, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("csv", "título\r\n1\r\n"),
        ("json", '[{"título":1}]'),
        ("jsonl", '{"título":1}\n'),
        ("xml", "<r><a><título>1</título></a></r>"),
    ],
)
class TestEncodings:
    def test_utf8_with_a_mark_is_read(self, format, data):
        (row,) = read(format, data.encode("utf-8-sig"))

        assert list(row.values) == ["título"]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
    def test_others_are_known_by_their_mark(self, format, data, encoding):
        assert f"the file is {encoding.upper()}" in refused(format, data.encode(encoding))

    def test_utf16_without_a_mark_is_guessed(self, format, data):
        assert "looks like UTF-16" in refused(format, data.encode("utf-16-le"))

    def test_a_byte_that_is_no_utf8_is_named(self, format, data):
        raw = data.encode("latin-1")

        assert f"byte 0xed at offset {raw.index(0xED)} is no UTF-8" in refused(format, raw)

    def test_a_character_that_is_cut_off_is_named(self, format, data):
        raw = data.encode().partition("í".encode())[0] + b"\xc3"

        assert f"byte 0xc3 at offset {len(raw) - 1}" in refused(format, raw)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"a,b,a\r\n", "Line 1: the header names 'a' twice."),
        (b"a,,c\r\n", "Line 1: column 2 of the header has no name."),
        (b"a;b\r\n1;2\r\n", "Line 1: the header is separated by ';'"),
        (b'a,b\r\n1,"2\r\n', "Line 2: a quote is opened and never closed"),
        (b'a,b\r\n1,"2"3\r\n', "Line 2: the quotes are wrong"),
        (b"a,b\r1,2\r", "Line 1: a carriage return stands in a cell without quotes"),
    ],
)
def test_csv_that_cannot_be_read_further(data, said):
    assert said in refused("csv", data)


def test_csv_rows_with_too_many_and_too_few_cells_are_bad_and_reading_goes_on():
    found = read("csv", b"a,b\r\n1,2,3\r\n\r\n4\r\n5,6\r\n")

    assert found == [
        BadRow(2, 12, "it has 3 cells, and the header 2."),
        BadRow(4, 17, "it has 1 cells, and the header 2."),
        Row(5, 22, {"a": "5", "b": "6"}),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a":1', "it is no JSON: Expecting ',' delimiter, at character 7."),
        (b'{"a":1} 2', "it goes on behind the object, at character 8."),
        (b'{"a":1,"a":1}', "it has the key 'a' twice."),
        (b'{"x":{"a":1,"a":1}}', "it has the key 'a' twice."),
        (b'{"a":NaN}', "NaN is no JSON."),
        (b'{"a":[-Infinity]}', "-Infinity is no JSON."),
        (b"[1]", "it is no object, but a list."),
        (b"null", "it is no object, but null."),
        (b"3", "it is no object, but a single value."),
        (b'{"a":' + b"9" * 5000 + b"}", "a number has 5000 digits."),
        (b'{"a":[1e999]}', "1E+999 is too large for a number."),
        (b'{"a":' + b"[" * 70 + b"]" * 70 + b"}", "it is nested deeper than 64."),
        (b'{"a":' + b"[" * 90_000 + b"}", "it is no JSON: nested too deep, at character 1."),
    ],
)
class TestBadObjects:
    def test_a_line_is_bad_and_reading_goes_on(self, line, reason):
        found = read("jsonl", line + b'\n{"a":1}\n')

        assert found[0] == BadRow(1, len(line) + 1, reason)
        assert found[1].values == {"a": 1}

    def test_an_array_is_read_on_where_the_end_of_the_object_is_known(self, line, reason):
        data = b'[{"a":1},\n' + line + b',\n{"a":2}]'
        if "it is no JSON" in reason or "goes on behind" in reason:
            assert refused("json", data).startswith(("Line 2: ", "Line 3: "))
        else:
            found = read("json", data)
            assert (found[1].line, found[1].reason) == (2, reason)
            assert found[2].values == {"a": 2}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "has to begin with ["),
        (b'{"a":1}', "has to begin with ["),
        (b'[{"a":1}', "the file ends in the middle of the array"),
        (b'[{"a":1}\n{"a":2}]', "Line 2: a comma or ] should be here, and not '{'"),
        (b"[] x", "something behind the end"),
        (b'[{"a":"x', "broken or ends too early: Unterminated string"),
        (b"[,]", "broken or ends too early"),
        (b'[{"a":1},]', "broken or ends too early"),
    ],
)
def test_json_that_cannot_be_read_further(data, said):
    assert said in refused("json", data)


def test_broken_json_is_found_where_it_is_and_not_at_the_end_of_a_long_file():
    good = b'{"a":"' + b"x" * 1000 + b'"},\n'
    data = b"[" + good * 200 + b"{oops},\n" + good * 20_000

    assert "Line 201: the JSON is broken" in refused("json", data)


def test_objects_that_are_cut_anywhere_by_the_reading_are_whole():
    rows = [{"a": "ü😀\\" * (size % 97), "n": size} for size in range(3000)]
    data = json.dumps(rows, indent=1).encode()

    assert [one.values for one in read("json", data)] == rows


@pytest.mark.parametrize("data", [BOMB, OUTSIDE, b"<!DOCTYPE x><x/>"])
def test_xml_with_entities_or_a_document_type_is_refused_at_once(data):
    assert "declares a document type or entities" in refused("xml", data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no element found"),
        (b"<rows><row></rows>", "Line 1: the XML is broken: mismatched tag, at column"),
        (b"<rows>\n<row>", "Line 2: the XML is broken: no element found"),
        (b"<rows/><rows/>", "junk after document element"),
        (b"<r>" + b"<a>" * 80, "elements are nested deeper than 64"),
        (b"<r>&nbsp;</r>", "undefined entity"),
    ],
)
def test_xml_that_cannot_be_read_further(data, said):
    assert said in refused("xml", data)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("<row><a>1</a><a>2</a></row>", "it has the field 'a' twice."),
        ("<row><a><b>1</b></a></row>", "an element stands in 'a'."),
        ("<row>stray<a>1</a></row>", "text stands outside of its fields."),
        ("<row><a lang='x'>1</a></row>", "'a' has an attribute 'lang', which is no part of it."),
        ("<row><a null='true'>1</a></row>", "'a' is null and something at once."),
        ("<row><a null='no'/></row>", "'a' has null='no', which can only be true."),
        ("<row><a encoding='base64'>?</a></row>", "'a' is no UTF-8 in base64."),
        ("<row><a encoding='rot13'>x</a></row>", "'a' has encoding='rot13', which can only be"),
    ],
)
def test_a_bad_row_of_xml_is_said_and_reading_goes_on(row, reason):
    first, second = read("xml", f"<rows>\n{row}\n<row><a>2</a></row></rows>".encode())

    assert (first.line, first.offset) == (2, 1)
    assert first.reason.startswith(reason)
    assert second.values == {"a": "2"}


def test_xml_of_others_is_read_by_its_elements_and_attributes():
    data = """<?xml version="1.0" encoding="ISO-8859-1"?><!-- ours --><k:all xmlns:k="urn:k">
      <k:article id="7"><title>Qué <![CDATA[<b>]]></title><body/></k:article></k:all>"""

    (row,) = read("xml", data.encode())

    assert row.values == {"id": "7", "title": "Qué <b>", "body": ""}


class TestLimits:
    DATA = {
        "csv": b"a,b\r\n" + b"x,y\r\n" * 9,
        "json": b"[" + b",".join([b'{"a":"x","b":"y"}'] * 9) + b"]",
        "jsonl": b'{"a":"x","b":"y"}\n' * 9,
        "xml": b"<r>" + b"<q><a>x</a><b>y</b></q>" * 9 + b"</r>",
    }

    @pytest.mark.parametrize("format", DATA)
    def test_rows(self, format):
        assert len(read(format, self.DATA[format], limits=Limits(rows=9))) == 9
        assert "more than 8 rows" in refused(format, self.DATA[format], limits=Limits(rows=8))

    @pytest.mark.parametrize("format", DATA)
    def test_bytes(self, format):
        size = len(self.DATA[format])
        assert len(read(format, self.DATA[format], limits=Limits(bytes=size))) == 9
        assert "longer than" in refused(format, self.DATA[format], limits=Limits(bytes=size - 1))

    @pytest.mark.parametrize("format", ["json", "jsonl", "xml"])
    def test_field_chars(self, format):
        data = self.DATA[format].replace(b"y", b"yyy", 1)

        found = read(format, data, limits=Limits(field_chars=2))

        assert [type(one) for one in found] == [BadRow] + [Row] * 8
        assert found[0].reason == "'b' is longer than 2 characters."

    def test_field_chars_of_csv(self):
        found = read("csv", b"a,b\r\nx,yyy\r\nx,y\r\n", limits=Limits(field_chars=2))

        assert [type(one) for one in found] == [BadRow, Row]
        assert found[0].reason == "'b' is longer than 2 characters."

    @pytest.mark.parametrize("format", ["json", "jsonl"])
    def test_columns_of_objects(self, format):
        found = read(format, self.DATA[format], limits=Limits(columns=1))

        assert {one.reason for one in found} == {"it has 2 fields, and at most 1 may be."}

    def test_columns_of_csv(self):
        said = refused("csv", self.DATA["csv"], limits=Limits(columns=1))

        assert said == "Line 1: 2 fields, and at most 1 may be."

    def test_names_of_xml(self):
        data = b"<r>" + b"".join(b"<q><n%d/></q>" % number for number in range(50)) + b"</r>"

        assert "more than 20 different names" in refused("xml", data, limits=Limits(columns=20))

    def test_columns_of_xml(self):
        fields = b"".join(b"<field name='n%d'/>" % number for number in range(50))
        (found,) = read("xml", b"<r><row>" + fields + b"</row></r>", limits=Limits(columns=20))

        assert found.reason == "it has more than 20 fields."

    @pytest.mark.parametrize(
        ("format", "head", "piece"),
        [
            ("csv", b'a\r\n"', b"x\r\n" * 1000),
            ("csv", b"a\r\n", b"x" * 1000),
            ("json", b'[{"a":"', b"x" * 1000),
            ("json", b"[", b" " * 1000),
            ("json", b"[", b"[1," * 1000),
            ("jsonl", b'{"a":"', b"x" * 1000),
            ("xml", b"<r><q><a>", b"x" * 1000),
            ("xml", b"<r>", b" " * 1000),
            ("xml", b"<r a='", b"x" * 1000),
        ],
    )
    def test_a_row_without_an_end_fills_no_memory(self, format, head, piece):
        source = io.BufferedReader(Endless(head, piece, 400_000_000))
        limits = Limits(row_bytes=2_000_000, field_chars=1_000_000, bytes=200_000_000)
        tracemalloc.start()
        try:
            with pytest.raises(FormatError):
                list(read_rows(source, format, limits=limits))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert peak < 60_000_000


class Endless(io.RawIOBase):
    """A head, then the same again and again, for so many bytes."""

    def __init__(self, head, piece, size):
        self._parts = itertools.chain([head], itertools.repeat(piece, size // len(piece)))
        self._rest = b""

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._rest:
            self._rest = next(self._parts, b"")
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_memory_does_not_grow_with_the_rows(format):
    def peak(count):
        sink = io.BytesIO()
        writer = writer_for(format, sink, ["a", "b"], name="x", guard=True)
        for number in range(count):
            writer.write([number, "x" * 50])
        writer.finish()
        sink.seek(0)
        tracemalloc.start()
        try:
            assert sum(1 for _ in read_rows(sink, format)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(20_000) < peak(2_000) + 1_000_000


def test_formats_are_known_by_suffixes():
    names = ["a.csv", "b.JSON", "c.jsonl", "c.ndjson", "/x/d.xml", "e.xlsx"]

    found = [format_of(name) for name in names]

    assert found == ["csv", "json", "jsonl", "jsonl", "xml", "xlsx"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.csv.gz", "compressed: unpack it"), ("a", "should end"), ("a.pdf", ".csv")],
)
def test_other_suffixes_are_refused(name, said):
    with pytest.raises(WrongUsageError, match=said):
        format_of(name)


def test_unknown_formats_are_refused():
    with pytest.raises(FormatError, match="no format 'yaml', but csv"):
        read("yaml", b"")
    with pytest.raises(FormatError, match="no format 'yaml', but csv"):
        writer_for("yaml", io.BytesIO(), ["a"], name="x", guard=True)


@pytest.mark.parametrize("library", ["defusedxml.ElementTree", "xlsxwriter"])
def test_a_missing_library_is_a_sentence(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(SystemOpsError, match=r"install django-opskit\[system-ops\]"):
        if library == "xlsxwriter":
            writer_for("xlsx", io.BytesIO(), ["a"], name="x", guard=True)
        else:
            read("xml", b"<a/>")
