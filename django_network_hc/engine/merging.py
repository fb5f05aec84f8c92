"""
What engineers wrote into a tracker, brought back to the cases it was made from.

Each case may stand in two sheets, whatever it is in MAIN and while it is open in OPEN, and people
write into either. Three values meet for each field of a case: what the tracker had when it was
delivered, what a sheet has now, and what the case has come to meanwhile. What one side alone has
changed is taken. Where two sides have changed it to different values that is a conflict: the later
one of the list below counts, and the others are named, so that nothing that was typed is lost.

    the case itself, MAIN, OPEN
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from django_network_hc.engine.ledger import is_open
from django_network_hc.engine.masking import masked
from django_network_hc.engine.rows import Case, Engineering, Key

__all__ = ["FIELDS", "Conflict", "Merge", "Place", "Sheets", "merge", "places", "written"]

#: Of a case, what engineers write; columns of their own come on top.
FIELDS = ("status", *Engineering._fields)


class Conflict(NamedTuple):
    """
    A field that two sides have changed.

    Attributes:
        field: one of FIELDS, or + and the header of a column that people added.
        kept: the value that counts now.
        others: where another one stands, and which: the case, MAIN or OPEN.
    """

    key: Key
    field: str
    kept: str
    others: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sheets:
    """The rows of a tracker's MAIN and OPEN."""

    main: Sequence[Case] = ()
    open: Sequence[Case] = ()


@dataclass
class Merge:
    """
    What comes of an edited tracker.

    Attributes:
        cases: all of them, in their order, those that people added at the end.
        changed: keys of the cases that are not what they were.
        added: rows that people wrote, for findings that no report had.
        removed: keys of rows that people deleted; their cases stay.
        strays: rows that went out and belong to no case any more, as they came back.
        conflicts: what has to be looked at.
    """

    cases: list[Case] = field(default_factory=list)
    changed: list[Key] = field(default_factory=list)
    added: list[Case] = field(default_factory=list)
    removed: list[Key] = field(default_factory=list)
    strays: list[Case] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def merge(
    cases: Iterable[Case],
    edited: Sheets,
    *,
    delivered: Sheets | None = None,
    masked_tests: Container[str] = (),
) -> Merge:
    """
    Merge.

    Args:
        cases: as they are now.
        edited: what came back, in whatever order its rows were sorted into.
        delivered: the tracker as it went out; None where nobody has it: then the cases are taken
            for what it had.
        masked_tests: tests whose cases may have other numbers by now than they went out with.
    """
    known = places(cases)
    went_out = places(delivered.main) if delivered else known
    still = _renumbered(known, went_out, masked_tests)
    main, opened = places(edited.main), _open_places(edited.open, went_out)
    opened_out = _open_places(delivered.open, went_out) if delivered else {}
    found = Merge()
    for place, case in known.items():
        origin = still.get(place, place)
        base = went_out.get(origin, case)
        sides = [_Side("the case", case, base)]
        if origin in main:
            sides.append(_Side("MAIN", main.pop(origin), base))
        elif origin in went_out:
            found.removed.append(case.key)
        if origin in opened:
            sides.append(_Side("OPEN", opened.pop(origin), opened_out.get(origin, base)))
        after = _merged(case, base, sides, found.conflicts)
        if written(after) != written(case):
            found.changed.append(case.key)
        found.cases.append(after)
    # What no case has taken.
    sheets = (("MAIN", main), ("OPEN", opened))
    for place in {**main, **opened}:
        rows = [(name, sheet[place]) for name, sheet in sheets if place in sheet]
        if place in went_out:
            found.strays += [row for _name, row in rows]
        else:
            found.added.append(_added(rows, found.conflicts))
    found.cases += found.added
    return found


#: A key, the day it was found on, and how many rows of both stand before it.
Place = tuple[Key, date | None, int]


class _Side(NamedTuple):
    """Where a row stands, the row, and what it was when it went out."""

    name: str
    row: Case
    base: Case


def places(cases: Iterable[Case]) -> dict[Place, Case]:
    """Return the cases by what does not change when people sort a sheet."""
    counts: dict[tuple[Key, date | None], int] = {}
    found: dict[Place, Case] = {}
    for case in cases:
        number = counts.get((case.key, case.found_on), 0)
        counts[case.key, case.found_on] = number + 1
        found[case.key, case.found_on, number] = case
    return found


def _open_places(rows: Iterable[Case], went_out: Mapping[Place, Case]) -> dict[Place, Case]:
    """Return the rows of OPEN by the places of the rows of MAIN that were open when it went out."""
    by_key: dict[Key, list[Place]] = {}
    for place, case in went_out.items():
        if is_open(case.status):
            by_key.setdefault(case.key, []).append(place)
    found: dict[Place, Case] = {}
    for place, row in places(rows).items():
        open_places = by_key.get(row.key, [])
        found[place if place in open_places or not open_places else open_places[-1]] = row
    return found


def _renumbered(
    known: Mapping[Place, Case], went_out: Mapping[Place, Case], tests: Container[str]
) -> dict[Place, Place]:
    """Return where the cases went out that have other numbers by now."""
    gone: dict[tuple[Key, date | None], list[Place]] = {}
    for place, case in went_out.items():
        if place not in known and case.key[1] in tests:
            gone.setdefault((masked(case.key, tests), case.found_on), []).append(place)
    found: dict[Place, Place] = {}
    for place, case in known.items():
        if place not in went_out:
            origins = gone.get((masked(case.key, tests), case.found_on))
            if origins:
                found[place] = origins.pop(0)
    return found


def _added(rows: Sequence[tuple[str, Case]], conflicts: list[Conflict]) -> Case:
    """Return a row that people wrote, from both sheets when it is in both."""
    blank = _with(rows[0][1], dict.fromkeys(_values(rows[0][1]), ""))
    return _merged(blank, blank, [_Side(name, row, blank) for name, row in rows], conflicts)


def _merged(case: Case, base: Case, sides: Sequence[_Side], conflicts: list[Conflict]) -> Case:
    read = [(side.name, _values(side.row), _values(side.base)) for side in sides]
    if all(values == before for _name, values, before in read):
        return case
    had = _values(base)
    names = dict.fromkeys(name for _side, values, _before in read for name in values)
    after: dict[str, str] = {}
    for name in names:
        changes = [
            (side, values[name])
            for side, values, before in read
            if name in values and values[name] != before.get(name, "")
        ]
        kept = changes[-1][1] if changes else had.get(name, "")
        others = tuple((side, value) for side, value in changes[:-1] if value != kept)
        if others:
            conflicts.append(Conflict(case.key, name, kept, others))
        after[name] = kept
    return _with(case, after)


def _values(case: Case) -> Mapping[str, str]:
    """Return what engineers write, by field; a blank that stands for nothing is nothing."""
    own = {"status": case.status, **case.engineering._asdict()}
    added = {f"+{header}": value for header, value in case.extras}
    return {name: value.strip() for name, value in (own | added).items()}


def written(case: Case) -> Mapping[str, str]:
    """Return what people have written into a case, by field; a blank is nothing."""
    return {name: value for name, value in _values(case).items() if value}


def _with(case: Case, values: Mapping[str, str]) -> Case:
    extras = tuple((name[1:], value) for name, value in values.items() if name not in FIELDS)
    return case._replace(
        status=values["status"],
        engineering=Engineering(**{name: values[name] for name in Engineering._fields}),
        extras=extras,
    )
