"""
What engineers wrote into a tracker, brought back to the cases it was made from.

Each case may stand in two sheets, whatever it is in MAIN and while it is open in OPEN, and people
write into either. Three values meet for each field of a case: what the tracker had when it was
delivered, what a sheet has now, and what the case has come to meanwhile. What one side alone has
changed is taken. Where two sides have changed it to different values that is a conflict: the later
one of the list below counts, and the others are named, so that nothing that was typed is lost.

    the case itself, MAIN, OPEN
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django_network_hc.engine.rows import Case, Engineering, Key

__all__ = ["FIELDS", "Conflict", "Merge", "Sheets", "merge"]

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
        conflicts: what has to be looked at.
    """

    cases: list[Case] = field(default_factory=list)
    changed: list[Key] = field(default_factory=list)
    added: list[Case] = field(default_factory=list)
    removed: list[Key] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def merge(cases: Iterable[Case], edited: Sheets, *, delivered: Sheets | None = None) -> Merge:
    """
    Merge.

    Args:
        cases: as they are now.
        edited: what came back.
        delivered: the tracker as it went out; None where nobody has it: then the cases are taken
            for what it had.
    """
    cases = list(cases)
    known = _numbered(cases)
    went_out = _numbered(delivered.main) if delivered else known
    main, opened = _numbered(edited.main), _numbered(edited.open)
    sheets = (("MAIN", main), ("OPEN", opened))
    found = Merge()
    for place, case in known.items():
        base = went_out.get(place, case)
        rows = [(name, sheet[place]) for name, sheet in sheets if place in sheet]
        if "MAIN" not in dict(rows) and place in went_out:
            found.removed.append(case.key)
        after = _merged(case, base, rows, found.conflicts)
        if _written(after) != _written(case):
            found.changed.append(case.key)
        found.cases.append(after)
    for place, row in {**opened, **main}.items():
        if place not in known:
            found.added.append(row)
    found.cases += found.added
    return found


#: A key, and how many cases of that key stand before it: one that came back has had several.
_Place = tuple[Key, int]


def _numbered(cases: Iterable[Case]) -> dict[_Place, Case]:
    """Return the cases by key, the newest of a key as number 0: OPEN has that one alone."""
    counts: dict[Key, int] = {}
    found: dict[_Place, Case] = {}
    for case in reversed(list(cases)):
        number = counts.get(case.key, 0)
        counts[case.key] = number + 1
        found[case.key, number] = case
    return dict(reversed(found.items()))


def _merged(
    case: Case, base: Case, rows: Sequence[tuple[str, Case]], conflicts: list[Conflict]
) -> Case:
    before, now = _values(base), _values(case)
    sides = [("the case", now), *((name, _values(row)) for name, row in rows)]
    names = dict.fromkeys(name for _side, values in sides for name in values)
    after: dict[str, str] = {}
    for name in names:
        had = before.get(name, "")
        changes = [
            (side, value) for side, values in sides if (value := values.get(name, had)) != had
        ]
        kept = changes[-1][1] if changes else had
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


def _written(case: Case) -> Mapping[str, str]:
    return {name: value for name, value in _values(case).items() if value}


def _with(case: Case, values: Mapping[str, str]) -> Case:
    extras = tuple((name[1:], value) for name, value in values.items() if name not in FIELDS)
    return case._replace(
        status=values["status"],
        engineering=Engineering(**{name: values[name] for name in Engineering._fields}),
        extras=extras,
    )
