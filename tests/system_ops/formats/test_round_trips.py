"""What goes into a file comes out of it."""

import io
import math
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_system_ops.exceptions import FormatError
from django_system_ops.formats import BadRow, Row, read_rows, writer_for

FIELDS = ["title", "two words", "käse"]
HOSTILE = [
    "",
    "'",
    "''",
    "'=1+1",
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r",
    "\n",
    "\r\n",
    '"',
    '""',
    ',"\r\n',
    "\0",
    "a\0b",
    "\x1b[31m",
    "\ufffe",
    "😀",
    "\u202eright to left",
    "אבג",
    "]]>",
    "<row>&amp;",
    " spaces ",
    "\ufeffmark",
    "null",
    "True",
    "\u2028",
    "\x85",
]
texts = st.one_of(st.sampled_from(HOSTILE), st.text())
all_texts = st.one_of(texts, st.text(st.characters(categories=None, exclude_categories=())))
rows_of_texts = st.lists(st.lists(st.none() | texts, min_size=3, max_size=3), max_size=8)
plain = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
)
nested = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def write(format, rows, *, guard=False, fields=FIELDS):
    sink = io.BytesIO()
    writer = writer_for(format, sink, fields, name="things", guard=guard)
    try:
        for row in rows:
            writer.write(row)
    except FormatError:
        writer.abandon()
        raise
    writer.finish()
    return sink.getvalue()


def read(format, data, **options):
    found = list(read_rows(io.BytesIO(data), format, **options))
    assert all(isinstance(one, Row) for one in found), found
    return found


def values(found):
    return [list(one.values.values()) for one in found]


@given(rows_of_texts)
@example([[one, None, one] for one in HOSTILE])
def test_guard_and_its_taking_away_are_the_identity(rows):
    data = write("csv", rows, guard=True)

    found = read("csv", data, guarded=True)

    assert values(found) == rows
    assert all(list(one.values) == FIELDS for one in found)


@given(rows_of_texts)
@example([[one, None, one] for one in HOSTILE])
def test_no_guarded_cell_begins_a_formula(rows):
    found = read("csv", write("csv", rows, guard=True))

    cells = [cell for row in values(found) for cell in row if cell is not None]
    assert not [cell for cell in cells if cell[0] in "=+-@\t\r\n"]


@given(rows_of_texts)
def test_csv_without_guard_changes_nothing_but_empty_texts(rows):
    assert values(read("csv", write("csv", rows))) == [[one or None for one in row] for row in rows]


@pytest.mark.parametrize("format", ["xml", "json", "jsonl"])
@given(rows=st.lists(st.lists(st.none() | all_texts, min_size=3, max_size=3), max_size=8))
@example(rows=[[one, None, "x" + one] for one in [*HOSTILE, "\ud800", "\udfff\ud800"]])
def test_texts_come_back_as_they_were(format, rows):
    assert values(read(format, write(format, rows))) == rows


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_half_a_character_is_refused_where_it_cannot_be_held(format):
    with pytest.raises(FormatError, match="lone surrogate.*json"):
        write(format, [["a\ud800", None, None]])


@pytest.mark.parametrize("format", ["json", "jsonl"])
@given(rows=st.lists(st.lists(st.none() | st.booleans() | st.integers(), min_size=3, max_size=3)))
@example(rows=[[2**64, -(2**200), 0]])
def test_whole_numbers_and_truth_values_come_back_from_json(format, rows):
    found = values(read(format, write(format, rows)))

    assert found == rows
    assert [[type(one) for one in row] for row in found] == [
        [type(one) for one in row] for row in rows
    ]


@pytest.mark.parametrize("format", ["json", "jsonl"])
@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_fractions_come_back_from_json_as_exact_decimals(format, number):
    (found,) = read(format, write(format, [[number, None, None]]))

    assert float(found.values["title"]) == number


@pytest.mark.parametrize("format", ["json", "jsonl"])
@given(value=nested)
def test_lists_and_objects_come_back_from_json(format, value):
    (found,) = read(format, write(format, [[[value], {"x": value}, None]]))

    assert list(found.values.values()) == [[value], {"x": value}, None]


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_does_not_have_become_text(format, number):
    (found,) = read(format, write(format, [[number, None, None]]))

    assert found.values["title"] == str(number)


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_what_is_no_text_travels_as_text(format):
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    uuid = UUID("12345678123456781234567812345678")
    row = [moment, date(2026, 1, 2), time(3, 4, 5), uuid, Decimal("-0.10")]
    fields = ["a", "b", "c", "d", "e"]

    (found,) = read(format, write(format, [row], fields=fields, guard=True), guarded=True)

    first, *rest = found.values.values()
    assert datetime.fromisoformat(first) == moment
    assert rest == ["2026-01-02", "03:04:05", str(uuid), "-0.10"]


@pytest.mark.parametrize("format", ["csv", "xml"])
def test_lists_become_json_where_everything_is_text(format):
    (found,) = read(format, write(format, [[[1, "ä"], {"a": None}, None]]))

    assert list(found.values.values()) == ['[1,"ä"]', '{"a":null}', None]


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_no_rows_are_a_sound_file(format):
    assert read(format, write(format, [])) == []


@pytest.mark.parametrize("format", ["csv", "json", "jsonl"])
def test_a_row_knows_its_first_line_and_what_is_read_behind_it(format):
    rows = [["one", "a\nb", None], ["twö", None, "c"], ["three", "d", "e"]]
    data = b"\xef\xbb\xbf" + write(format, rows)

    found = read(format, data)

    lines = {"csv": [2, 4, 5], "json": [2, 3, 4], "jsonl": [1, 2, 3]}
    assert [one.line for one in found] == lines[format]
    ends = [data[: one.offset].decode("utf-8-sig") for one in found]
    words = ["one", "twö", "three"]
    assert [sum(word in end for word in words) for end in ends] == [1, 2, 3]
    assert found[-1].offset == len(data) - len({"json": b"\n]\n"}.get(format, b""))


def test_a_row_of_xml_knows_its_first_line_and_number():
    found = read("xml", write("xml", [["one", "a\nb", None], ["two", None, None]]))

    assert [(one.line, one.offset) for one in found] == [(3, 1), (4, 2)]


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_skip_leaves_out_the_first_rows(format):
    data = write(format, [["one", None, None], ["two", None, None], ["three", None, None]])

    assert [one.values["title"] for one in read(format, data, skip=2)] == ["three"]


def test_both_ways_of_reading_a_line_agree(monkeypatch):
    lines = [
        b'{"a":1,"b":"x:y"}',
        b'{"a" : 1, "b": null}',
        b'{"a":12345678901234567890123}',
        b'{"a":0.1}',
        b'{"a":[1,2.5],"b":{"c":1}}',
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
        b'{"a":1}}',
        b"[1]",
        b"{",
    ]
    data = b"\n".join(lines)

    fast = list(read_rows(io.BytesIO(data), "jsonl"))
    monkeypatch.setitem(sys.modules, "orjson", None)
    slow = list(read_rows(io.BytesIO(data), "jsonl"))

    assert fast == slow
    assert [isinstance(one, BadRow) for one in fast] == [False] * 5 + [True] * 2 + [False] + [
        True
    ] * 3
    assert fast[2].values == {"a": 12345678901234567890123}
    assert fast[3].values == {"a": Decimal("0.1")}


def test_without_the_fast_library_the_same_is_written(monkeypatch):
    rows = [[1, "ä\n", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)], [None, [1, {"a": "\0"}], True]]
    fast = write("jsonl", rows)
    monkeypatch.setitem(sys.modules, "orjson", None)

    assert write("jsonl", rows) == fast
