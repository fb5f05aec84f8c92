"""What people type into a tracker comes back, from either sheet, and nothing of it is lost."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from django_network_hc.engine.merging import FIELDS, Conflict, Merge, Sheets, merge
from django_network_hc.engine.rows import Case, Engineering
from django_network_hc.readers import read_tracker
from django_network_hc.workbooks import Book
from django_network_hc.workbooks.cases import cases_table
from tests.network.samples import TRACKER, tracker


def case(text: str = "x", *, status: str = "OPEN", extras=(), **own: str) -> Case:
    return Case(
        (1, "2.5.8", "WARNING", "I", text),
        *(None, "", "", "", "", "", ""),
        status,
        Engineering(**{"origin": "Int", "category": "TBD", **own}),
        0,
        extras,
    )


def merged(
    now: Case, *, main: Case | None = None, opened: Case | None = None, base: Case | None = None
) -> Merge:
    return merge(
        [now],
        Sheets([main or now], [opened] if opened else []),
        delivered=Sheets([base]) if base else None,
    )


class TestOneSide:
    def test_nothing_was_changed(self):
        found = merged(case(), main=case(), opened=case())

        assert (found.cases, found.changed, found.conflicts) == ([case()], [], [])

    @pytest.mark.parametrize("name", ["origin", "category", "hardware", "card", "remarks"])
    @pytest.mark.parametrize("sheet", ["main", "opened"])
    def test_what_was_written_into_one_sheet_is_taken(self, name, sheet):
        written = case(**{name: "new"})

        found = merged(case(), **{"main": case(), "opened": case(), sheet: written})

        assert found.cases == [written]
        assert found.changed == [case().key]
        assert found.conflicts == []

    def test_status_is_a_field_like_the_others(self):
        found = merged(case(), opened=case(status="In progress"))

        assert found.cases[0].status == "In progress"

    def test_what_was_taken_away_is_taken_away(self):
        assert merged(case(remarks="old"), opened=case()).cases == [case()]

    def test_what_the_case_has_come_to_meanwhile_stays(self):
        found = merged(case(remarks="web"), main=case(), opened=case(), base=case())

        assert found.cases == [case(remarks="web")]
        assert found.conflicts == []

    def test_column_that_people_added_is_kept(self):
        written = case(extras=(("Ticket", "T-1"),))

        assert merged(case(), main=written).cases == [written]

    def test_blanks_that_stand_for_nothing_are_no_change(self):
        found = merged(case(), main=case(card=" ", remarks="  "))

        assert found.changed == []


class TestConflicts:
    def test_sheets_that_disagree(self):
        found = merged(case(), main=case(remarks="a"), opened=case(remarks="b"))

        assert found.cases[0].engineering.remarks == "b"
        assert found.conflicts == [Conflict(case().key, "remarks", "b", (("MAIN", "a"),))]

    def test_sheet_and_case_that_disagree(self):
        found = merged(case(remarks="web"), main=case(remarks="a"), base=case())

        assert found.conflicts == [Conflict(case().key, "remarks", "a", (("the case", "web"),))]

    def test_sides_that_agree_are_none(self):
        found = merged(
            case(remarks="a"), main=case(remarks="a"), opened=case(remarks="a"), base=case()
        )

        assert found.conflicts == []
        assert found.cases == [case(remarks="a")]


class TestRows:
    def test_row_that_people_added_is_a_case(self):
        found = merge([case()], Sheets([case(), case("by hand")], [case("too")]))

        assert found.added == [case("by hand"), case("too")]
        assert found.cases == [case(), *found.added]

    def test_row_that_people_deleted_is_said_and_its_case_stays(self):
        found = merge([case(), case("y")], Sheets([case()]))

        assert found.removed == [case("y").key]
        assert found.cases == [case(), case("y")]

    def test_case_that_came_later_was_not_deleted(self):
        found = merge([case(), case("y")], Sheets([case()]), delivered=Sheets([case()]))

        assert found.removed == []

    def test_open_row_belongs_to_the_newest_of_its_key(self):
        old, new = case(status="CLOSED", remarks="first"), case()

        found = merge([old, new], Sheets([old, new], [case(remarks="second")]))

        assert found.cases == [old, case(remarks="second")]


class TestSameKey:
    """A case that came back has two rows of its key, and people sort sheets."""

    OLD = case(status="CLOSED", remarks="first")._replace(found_on=date(2025, 1, 6))
    NEW = case()._replace(found_on=date(2025, 3, 6))

    @pytest.mark.parametrize("is_sorted", [False, True])
    def test_rows_are_told_apart_by_their_day(self, is_sorted):
        cases = [self.OLD, self.NEW]
        rows = cases[::-1] if is_sorted else cases

        found = merge(cases, Sheets(rows, [self.NEW]))

        assert (found.cases, found.changed, found.conflicts) == (cases, [], [])

    def test_open_row_is_that_of_the_case_that_was_open(self):
        rows = [self.NEW, self.OLD]

        found = merge(rows, Sheets(rows, [self.NEW]))

        assert found.cases == rows

    def test_remark_on_the_old_row_stays_with_the_old_case(self):
        """It went out before the case came back."""
        edited = case(status="CLOSED", remarks="again")._replace(found_on=self.OLD.found_on)

        found = merge([self.OLD, self.NEW], Sheets([edited]), delivered=Sheets([self.OLD]))

        assert found.cases == [edited, self.NEW]

    def test_rows_of_one_day_are_counted(self):
        twins = [case(status="CLOSED"), case(status="CLOSED")]

        found = merge(twins, Sheets([twins[0], case(status="CLOSED", remarks="x")]))

        assert [one.engineering.remarks for one in found.cases] == ["", "x"]

    def test_case_that_has_other_numbers_by_now_gets_what_was_written(self):
        went_out, now = case("4 days"), case("5 days")

        found = merge(
            [now],
            Sheets([case("4 days", remarks="x")]),
            delivered=Sheets([went_out]),
            masked_tests={"2.5.8"},
        )

        assert found.cases == [case("5 days", remarks="x")]
        assert found.added == found.strays == []

    def test_row_that_went_out_is_no_new_case(self):
        found = merge(
            [case("5 days")], Sheets([case("4 days")]), delivered=Sheets([case("4 days")])
        )

        assert found.cases == [case("5 days")]
        assert found.strays == [case("4 days")]

    def test_row_that_people_wrote_into_both_sheets_is_one_case(self):
        main, opened = case("new", remarks="main"), case("new", remarks="open", card="SN")

        found = merge([], Sheets([main], [opened]))

        assert found.cases == [case("new", remarks="open", card="SN")]
        assert found.conflicts == [
            Conflict(main.key, "remarks", "open", (("MAIN", "main"),)),
        ]

    def test_what_open_had_when_it_went_out_is_no_edit(self):
        there = case(remarks="of OPEN")

        found = merge([case()], Sheets([case()], [there]), delivered=Sheets([case()], [there]))

        assert found.changed == found.conflicts == []


def test_sorted_tracker_changes_nothing():
    cases = tracker().cases["MAIN"]
    rows = sorted(cases, key=lambda one: (one.key, one.found_on or date.min), reverse=True)

    found = merge(cases, Sheets(rows, tracker().cases["OPEN"][::-1]))

    assert (found.cases, found.changed, found.added, found.strays) == (cases, [], [], [])


VALUES = st.sampled_from(["", "a", "b", "c"])
SIDES = st.fixed_dictionaries(
    {name: VALUES for name in FIELDS if name != "status"}
    | {"status": st.sampled_from(["OPEN", "CLOSED", "In progress"])}
)


@given(base=SIDES, now=SIDES, main=SIDES, opened=SIDES)
def test_nothing_that_was_typed_is_lost(base, now, main, opened):
    sides = {"the case": case(**now), "MAIN": case(**main), "OPEN": case(**opened)}

    found = merge(
        [sides["the case"]],
        Sheets([sides["MAIN"]], [sides["OPEN"]]),
        delivered=Sheets([case(**base)]),
    )

    [after] = found.cases
    kept = {"status": after.status, **after.engineering._asdict()}
    named = {(one.field, value) for one in found.conflicts for _side, value in one.others}
    for values in (now, main, opened):
        for name, value in values.items():
            if value != base[name]:
                assert kept[name] == value or (name, value) in named
    for name, value in kept.items():
        assert value in {base[name], now[name], main[name], opened[name]}


def test_edited_workbook_comes_back(tmp_path: Path):
    """As engineers do it: a filter, a column more, numbers where texts are, in either sheet."""
    book = load_workbook(TRACKER)
    book["OPEN"]["R2"], book["OPEN"]["Q2"] = "waiting for parts", 123
    book["MAIN"]["S1"], book["MAIN"]["S2"] = "Ticket", "T-1"
    path = tmp_path / TRACKER.name
    book.save(path)
    before, after = read_tracker(TRACKER), read_tracker(path)

    found = merge(
        before.cases["MAIN"],
        Sheets(after.cases["MAIN"], after.cases["OPEN"]),
        delivered=Sheets(before.cases["MAIN"], before.cases["OPEN"]),
    )

    assert (found.conflicts, found.added, found.removed) == ([], [], [])
    assert len(found.changed) == 2
    worked_on = next(one for one in found.cases if one.engineering.remarks)
    assert (worked_on.engineering.card, worked_on.engineering.remarks) == (
        *("123", "waiting for parts"),
    )
    assert dict(found.cases[0].extras) == {"Ticket": "T-1"}

    # And goes out again, with the column in its place.
    again = tmp_path / "again.xlsx"
    with Book(again) as written:
        written.add(cases_table("MAIN", found.cases))
    rows = [[cell.value for cell in row] for row in load_workbook(again)["MAIN"].iter_rows()]
    assert (rows[0][18], rows[1][18]) == ("Ticket", "T-1")
