"""The formats: what they show, and what texts of the database cannot do in them."""

import csv
import json
import re
import sys
from html.parser import HTMLParser

import pytest

from tests.system_ops.reports.conftest import ALL, BY_AGENT, BY_DAY, run, talk

pytestmark = pytest.mark.django_db

HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style></svg><img src=x onerror=alert(1)>",
    '" onmouseover="x',
    "a|b | c",
    "[x](javascript:alert(1)) `y` **z**",
    "=HYPERLINK(1)",
    "  +1",
    "@SUM(A1)",
    "-2",
    "\uff1d1",
    "two\nlines",
    "http://evil.example/",
    "{{ report }} {% now %}",
    "\u202edlrow",
]


@pytest.fixture
def made(describe, site):
    def make(*forms, **options):
        said = run(period="2026-10", format=",".join(forms), **options)
        assert said["status"] == 0, said["error"]
        return [(site / f"usage_2026-10.{form}").read_bytes() for form in forms]

    return make


@pytest.fixture
def hostile(describe):
    describe(talks={**BY_AGENT, "chart": "bar", "labels": {"-2": "=1"}}, days=BY_DAY)
    for text in HOSTILE:
        talk(agent=text)


class Page(HTMLParser):
    """Knows the tags of a page, their attributes, and the texts of its tables' first cells."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.labels = [], [], []
        self.open = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "path", "rect", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-2:] == ["th", "bdi"]:
            self.labels.append(data)


def test_texts_are_texts_in_html(made, hostile):
    page = Page(made("html")[0].decode())

    assert page.open == []
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert set(HOSTILE) - {"-2"} <= set(page.labels)


def test_html_loads_nothing(made, hostile):
    text = made("html")[0].decode()
    page = Page(text)

    assert page.tags.count("style") == 1
    assert not {"link", "script", "img", "iframe", "object"} & set(page.tags)
    assert "@import" not in text
    assert "url(" not in text
    targets = [value for name, value in page.attributes if name in ("href", "src")]
    assert all(target.startswith("#") for target in targets)
    assert "default-src 'none'" in text


def test_html_has_each_chart_as_words_and_its_figures_in_a_table(made, hostile):
    page = Page(made("html")[0].decode())

    # One for wide and one for narrow screens, of two sections.
    assert (page.tags.count("svg"), page.tags.count("desc")) == (4, 4)
    assert page.tags.count("table") == 2


def test_texts_are_texts_in_markdown(made, hostile):
    text = made("md")[0].decode()

    table = text.split("## Talks")[1].split("##")[0].strip().splitlines()
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {3}
    assert len(table) == len(HOSTILE) + 3
    assert not re.search(r"(?<!\\)[<`\[]", "".join(table))


def test_formulas_are_texts_in_csv(made, hostile):
    rows = list(csv.DictReader(made("csv")[0].decode().splitlines(keepends=True)))

    groups = {row["group"] for row in rows if row["section"] == "talks"}
    assert {"'=HYPERLINK(1)", "'  +1", "'@SUM(A1)", "'\uff1d1", "'=1", "two\nlines"} <= groups
    assert {row["value"] for row in rows if row["line"] == "group"} == {"0", "1", "14"}


def test_formulas_are_texts_in_workbooks(made, hostile, site):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter")
    made("xlsx", compare=True)

    book = openpyxl.load_workbook(site / "usage_2026-10.xlsx")

    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert {"=HYPERLINK(1)", "@SUM(A1)"} <= {cell.value for cell in cells}
    assert [len(sheet._charts) for sheet in book] == [1, 1]
    assert (book["Talks"]["B4"].value, book["Talks"]["B5"].value) == ("Talks", 1)


def test_names_of_sheets_are_those_that_excel_takes(describe, made, site):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter")
    titles = ["History", "a/b:c?", "x" * 40, "X" * 40, "'", "  "]
    describe(**{f"s{n}": {**ALL, "title": title} for n, title in enumerate(titles)})
    talk()

    made("xlsx")

    names = openpyxl.load_workbook(site / "usage_2026-10.xlsx").sheetnames
    assert len({name.casefold() for name in names}) == 6
    assert all(0 < len(name) <= 31 for name in names)


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (["Ventas 3", "Ventas", "Ventas"], ["Ventas 3", "Ventas", "Ventas 2"]),
        (["Ventas 2", "Ventas", "VENTAS"], ["Ventas 2", "Ventas", "VENTAS 3"]),
        (["x" * 40] * 11, ["x" * 31, *(f"{'x' * 29} {n}" for n in range(2, 10)),
                           *(f"{'x' * 28} {n}" for n in (10, 11))]),
        # Excel counts in UTF-16, and takes no apostrophe at either end.
        (["\U0001f600" * 20, "'" + "y" * 30 + "' z"], ["\U0001f600" * 15, "y" * 30]),
        (["'", "[]", "History"], ["2", "3", "History 2"]),
    ],
)  # fmt: skip
def test_names_of_sheets_are_counted_on_until_one_is_free(describe, made, site, titles, expected):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter")
    describe(**{f"s{n}": {**ALL, "title": title} for n, title in enumerate(titles)})
    talk()

    made("xlsx")

    assert openpyxl.load_workbook(site / "usage_2026-10.xlsx").sheetnames == expected


def test_the_same_rows_are_the_same_files(made, hostile):
    pytest.importorskip("xlsxwriter")
    forms = ("html", "md", "csv", "xlsx", "json")

    first, second = (made(*forms, compare=True) for _ in range(2))

    assert first[:4] == second[:4]
    one, two = (json.loads(files[4]) for files in (first, second))
    assert one.pop("generated_at")[:10] == two.pop("generated_at")[:10]
    assert json.dumps(one) == json.dumps(two)


def test_empty_section_says_so(describe, made):
    describe(talks=BY_AGENT)

    html, markdown = made("html", "md")

    assert "No data" in html.decode()
    assert "No data" in markdown.decode()


def test_figures_have_the_separators_of_the_language(describe, made):
    metrics = {"talks": {"count": "*"}, "paid": {"sum": "price", "unit": "\u20ac"}}
    describe(talks={**ALL, "metrics": metrics})
    talk(price="1234567.50")

    (spanish,) = made("md", language="es")
    (english,) = made("md", language="en")
    (table,) = made("csv", language="es")

    assert "567,50" in spanish.decode()
    assert "1,234,567.50" in english.decode()
    assert ",1234567.5\n" in table.decode()


def test_bars_have_their_figures_as_the_table_has_them(describe, made):
    metrics = {"solved": {"ratio": ["rated", "talks"], "unit": "%"}, "talks": {"count": "*"}}
    rated = {"rated": {"count": "rating", "hidden": True}}
    describe(talks={**BY_AGENT, "chart": "bar", "metrics": {**metrics, **rated}})
    talk(rating=1)
    talk()

    (html,) = made("html")

    assert html.decode().count(">50.00\u00a0%</text>") == 2


def test_nothing_before_and_nothing_now_is_one_dash(describe, made):
    describe(talks={**BY_DAY, "metrics": {"mean": {"avg": "rating"}}})
    talk("2026-10-05 12:00", rating=1)
    talk("2026-09-06 12:00", rating=1)

    table = made("html", compare=True)[0].decode().partition("<tbody>")[2]

    # The 5th, the 6th, and the total.
    assert table.count("<small>") == 3


def test_change_is_told_without_colour(describe, made):
    describe(talks=BY_AGENT)
    talk("2026-10-05 12:00")
    for day in ("2026-09-05 12:00", "2026-09-06 12:00"):
        talk(day)

    html, markdown = made("html", "md", compare=True)

    assert "\u25bc \u221250.0\u00a0%" in html.decode()
    assert "\u221250.0\u00a0%" in markdown.decode()


def test_days_that_only_the_period_before_has_are_in_the_table_and_not_in_the_chart(
    describe, made, site
):
    pytest.importorskip("xlsxwriter")
    describe(talks={**BY_DAY, "chart": "bar"})
    talk("2026-02-03 12:00")
    talk("2026-01-31 12:00")

    said = run(period="2026-02", format="html,md,csv,xlsx", compare=True)

    html, markdown, table = (
        (site / f"usage_2026-02.{form}").read_text() for form in ("html", "md", "csv")
    )
    assert said["status"] == 0
    assert [text.count("January 31<") for text in html.split("<table>")] == [0, 1]
    assert re.search(r"\| January 31 +\| +\u2013 +\| +1 +\| +\u2013 +\|", markdown)
    assert ",January 31,talks,,,1,," in table


def test_small_change_of_a_figure_without_places_has_its_arrow(describe, made):
    describe(talks={**ALL, "metrics": {"mean": {"avg": "rating", "places": 0}}})
    for month, ratings in [("10", (1, 4, 2)), ("09", (1, 2, 2, 3))]:
        for rating in ratings:
            talk(f"2026-{month}-05 12:00", rating=rating)

    (html,) = made("html", compare=True)

    assert "\u25b2 +16.7\u00a0%" in html.decode()


def test_missing_library_is_named_before_anything_is_done(describe, monkeypatch, site):
    describe(talks=ALL)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)

    said = run(format="json,xlsx")

    assert (said["status"], site.exists()) == (2, False)
    assert "pip install django-opskit[system-ops]" in said["error"]
