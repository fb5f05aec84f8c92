"""
What people have written into a tracker, taken over into the cases.

A tracker that is not the one that this app wrote last was edited. Its rows are compared with those
that went out, so that what a person changed counts, and what nobody touched does not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from django.utils import timezone
from simple_history.utils import bulk_update_with_history  # type: ignore[import-untyped]  # no types

from django_network_hc.conf import NetworkHcSettings
from django_network_hc.engine.ledger import folded, is_open
from django_network_hc.engine.merging import Conflict, Sheets, merge, places, written
from django_network_hc.engine.rows import Case, Engineering, Key
from django_network_hc.exceptions import InputError
from django_network_hc.models import Case as CaseRow
from django_network_hc.models import HealthCheckSession, Network, SessionFile
from django_network_hc.readers import Tracker, read_tracker
from django_network_hc.services.folders import script_folder
from django_network_hc.services.known import Known, shown_status
from django_network_hc.services.writing import put_cases
from django_opskit.batches import batches

__all__ = [
    "Edits",
    "apply_edits",
    "apply_status",
    "conflict_notes",
    "edits_of",
    "filled",
    "is_edited",
    "other_open_case",
]

State = CaseRow.State
_AT_ONCE = 1000
_DONE = (HealthCheckSession.Status.COMPLETED, HealthCheckSession.Status.UNDONE)
_MOST_NOTED = 50
_FIELDS = Engineering._fields


class Change(NamedTuple):
    """A case that somebody has written into: as it was known, and as it is to be."""

    before: Case
    after: Case


@dataclass
class Edits:
    """
    What has to be taken over.

    Attributes:
        known: what is known of the network with it.
        changed: cases that are not what they were.
        added: cases that people have written, for findings that no report had.
        notes: conflicts, and what was odd.
    """

    known: Known = field(repr=False)
    changed: list[Change] = field(default_factory=list, repr=False)
    added: list[Case] = field(default_factory=list, repr=False)
    notes: list[str] = field(default_factory=list)
    conflicts: int = 0


def edits_of(
    network: Network, path: Path, known: Known, conf: NetworkHcSettings, *, base_sha256: str = ""
) -> Edits:
    """
    Compare an edited tracker with what is known.

    Args:
        network: whose.
        path: where the tracker lies.
        known: what is known of the network.
        conf: the settings.
        base_sha256: of the tracker that was edited, where that is known; otherwise the report of
            its last column says which it was.

    Raises:
        InputError: it is no tracker.
    """
    edited = read_tracker(path, limits=conf.tracker_limits)
    _refuse_strangers(network, edited, known, path)
    delivered = _delivered(network, edited, conf, base_sha256)
    elsewhere: list[str] = []
    if delivered is None:
        sheets = _cautious(edited, known)
    else:
        sheets, elsewhere = _with_closed(edited, delivered)
    merged = merge(
        [*known.cases, *known.begun.values()],
        sheets,
        delivered=None
        if delivered is None
        else Sheets(main=delivered.cases["MAIN"], open=delivered.cases["OPEN"]),
        masked_tests=frozenset(conf.MASKED_TESTS),
    )
    before = {case.row: case for case in (*known.cases, *known.begun.values())}
    single, doubles = _opened_once(merged.cases, before)
    cases, folds = folded(single)
    begun = {case.row for case in known.begun.values()}
    ours = [case for case in cases if _is_ours(case, before)]
    # Rows of a sheet have numbers that are no keys of cases.
    added = [case._replace(row=0) for case in cases if not _is_ours(case, before)]
    now = Known(
        cases=[*(case for case in ours if case.row not in begun), *added],
        nodes=known.nodes,
        columns=known.columns,
        begun={case.key: case for case in ours if case.row in begun},
    )
    found = Edits(
        known=now,
        changed=[
            Change(before[case.row], case)
            for case in ours
            if written(case) != written(before[case.row])
        ],
        added=added,
        conflicts=len(merged.conflicts),
    )
    found.notes = [
        *edited.notes,
        *elsewhere,
        *folds,
        *doubles,
        *conflict_notes(merged.conflicts),
        *_counted(len(merged.removed), "rows were deleted from the tracker: their cases stay"),
        *_counted(len(merged.strays), "rows of the tracker belong to no case any more"),
        *_counted(len(found.added), "rows were added by people: they are cases now"),
    ]
    return found


def is_edited(network: Network, sha256: str) -> bool:
    """Return whether a tracker is none that this app has written, kept or taken in before."""
    if sha256 in ("", network.tracker_sha256):
        return False
    return not SessionFile.objects.filter(
        session__network=network,
        session__status__in=_DONE,
        sha256=sha256,
    ).exists()


def _refuse_strangers(network: Network, edited: Tracker, known: Known, path: Path) -> None:
    """Refuse the tracker of another network: its rows would all be cases of this one."""
    nodes = {case.key[0] for case in edited.cases["MAIN"]} | set(edited.nodes)
    strangers = len(nodes - set(known.nodes) - {case.key[0] for case in known.cases})
    if nodes and strangers * 2 > len(nodes):
        raise InputError(
            path.name,
            f"{strangers} of its {len(nodes)} nodes are not in {network}: it is the tracker of "
            "another network.",
        )


def apply_edits(
    network: Network, edits: Edits, *, reason: str = "Written into the tracker"
) -> None:
    """
    Write edits into the database, in the caller's transaction, with their history.

    Only what was changed in the tracker is written; what somebody has changed here since it was
    compared stays, and a note says what the tracker has.
    """
    locked = CaseRow.objects.select_for_update()
    for some in batches(edits.changed, _AT_ONCE):
        rows = locked.in_bulk([change.after.row for change in some])
        # Those that end first: a finding has one open case at a time.
        changed = [rows[change.after.row] for change in some]
        for row, change in zip(changed, some, strict=True):
            edits.notes += _write(row, change)
        fields = [*_FIELDS, "extras", "state", "status", "closed_on", "closed_by", "is_unverified"]
        for is_open_now in (False, True):
            those = [row for row in changed if row.is_open is is_open_now]
            if those:
                bulk_update_with_history(
                    those, CaseRow, fields, batch_size=200, default_change_reason=reason
                )
    if edits.added:
        _add(network, edits)


def _write(row: CaseRow, change: Change) -> list[str]:
    """Write what was changed in the tracker into a case; return notes on what was not."""
    notes = []
    before, after = change.before.engineering, change.after.engineering
    for name, was, now in zip(_FIELDS, before, after, strict=True):
        here = getattr(row, name)
        if now in (was, here):
            continue
        if here.strip() != was.strip():
            notes.append(_kept(row, name, here, now))
            continue
        setattr(row, name, now)
    had = dict(change.before.extras)
    for name, value in change.after.extras:
        here = str(row.extras.get(name, ""))
        if value in (had.get(name, ""), here):
            continue
        if here == had.get(name, ""):
            row.extras = {**row.extras, name: value}
        else:
            notes.append(_kept(row, name, here, value))
    status, here = change.after.status.strip(), shown_status(row.state, row.status)
    if status != change.before.status.strip() and status != here:
        if here == change.before.status:
            apply_status(row, status)
        else:
            notes.append(_kept(row, "status", here, status))
    return notes


def _kept(row: CaseRow, name: str, here: str, there: str) -> str:
    return (
        f"Case {row.pk}: {name} was changed here meanwhile and stays {here!r}; the tracker has "
        f"{there!r}."
    )


def apply_status(row: CaseRow, status: str) -> None:
    """Give a case the status that a person wrote; CLOSED and IGNORED end it."""
    if is_open(status):
        if not row.is_open:
            row.state, row.closed_on, row.closed_by = State.OPEN, None, None
            row.is_unverified = False
        row.status = status.strip()[:255] or State.OPEN.value
        return
    ended = State(status.strip().upper())
    if row.state != ended:
        # By a person: no step back of a session opens it again.
        row.state, row.closed_on, row.closed_by = ended, timezone.localdate(), None


def conflict_notes(conflicts: Sequence[Conflict]) -> list[str]:
    """Return a sentence for each conflict, up to some dozens."""
    notes = [
        f"{_said(one.key)}: {one.field} is {one.kept!r} now; "
        + ", ".join(f"{where} had {value!r}" for where, value in one.others)
        for one in conflicts[:_MOST_NOTED]
    ]
    return [*notes, *_counted(len(conflicts) - len(notes), "more conflicts")]


def other_open_case(case: CaseRow) -> CaseRow | None:
    """Return the open case of the same finding, if it is another one."""
    same = CaseRow.objects.filter(network=case.network_id, open_key=case.key)
    return same.exclude(pk=case.pk).first()


def _add(network: Network, edits: Edits) -> None:
    put_cases(network, edits.added, last_seen_on=None)
    # Not every database says which keys it gave.
    count = len(edits.added)
    keys = sorted(network.cases.order_by("-pk").values_list("pk", flat=True)[:count])
    cases = edits.known.cases
    cases[-count:] = [
        case._replace(row=key) for case, key in zip(cases[-count:], keys, strict=True)
    ]


def _opened_once(cases: list[Case], before: dict[int, Case]) -> tuple[list[Case], list[str]]:
    """Return cases of which none was opened again whose finding has an open one, and notes."""
    known = {
        case.key
        for case in cases
        if _is_ours(case, before) and is_open(case.status) and is_open(before[case.row].status)
    }
    found, notes = [], []
    for case in cases:
        was = before[case.row] if _is_ours(case, before) else None
        if was is not None and is_open(case.status) and not is_open(was.status):
            if case.key in known:
                notes.append(
                    f"{_said(case.key)}: case {case.row} was set to {case.status!r}, and its "
                    f"finding has an open case already: it stays {was.status}."
                )
                found.append(case._replace(status=was.status))
                continue
            known.add(case.key)
        found.append(case)
    return found, notes


def _is_ours(case: Case, before: dict[int, Case]) -> bool:
    """Return whether a case is one of the database, and no row of a sheet."""
    known = before.get(case.row)
    return known is not None and (known.key, known.found_on) == (case.key, case.found_on)


def _cautious(edited: Tracker, known: Known) -> Sheets:
    """
    Return the sheets of a tracker that nobody has any more as it went out.

    Nobody can tell what was written into it from what it had: so a blank is nothing, and a row that
    is open opens no case that is closed.
    """
    known_places = places(known.cases)

    def careful(cases: Iterable[Case]) -> list[Case]:
        found = []
        for place, case in places(cases).items():
            here = known_places.get(place)
            own = filled(case, here)
            if here is not None and is_open(own.status) and not is_open(here.status):
                own = own._replace(status=here.status)
            found.append(own)
        return found

    return Sheets(main=careful(edited.cases["MAIN"]), open=careful(edited.cases["OPEN"]))


def filled(case: Case, other: Case | None) -> Case:
    """Return a row with what the same row elsewhere has where it has nothing itself."""
    if other is None:
        return case
    pairs = zip(case.engineering, other.engineering, strict=True)
    extras = {**dict(other.extras), **{name: value for name, value in case.extras if value}}
    return case._replace(
        engineering=Engineering(*(own or theirs for own, theirs in pairs)),
        extras=tuple(extras.items()),
        status=case.status or other.status,
    )


def _with_closed(edited: Tracker, delivered: Tracker) -> tuple[Sheets, list[str]]:
    """
    Return the sheets with what was written into CLOSED, which is a copy of rows of MAIN.

    A row that was changed in both counts as MAIN has it, and a note says so.
    """
    went_out, came_back = (places(one.cases["CLOSED"]) for one in (delivered, edited))
    main, main_out = places(edited.cases["MAIN"]), places(delivered.cases["MAIN"])
    notes = []
    for place, row in came_back.items():
        was, own = went_out.get(place), main.get(place)
        if was is None or own is None or written(row) == written(was):
            continue
        if written(own) == written(main_out.get(place, own)):
            main[place] = row
        else:
            notes.append(
                f"{_said(row.key)}: it was changed in MAIN and in CLOSED; MAIN counts, and CLOSED "
                f"has {' | '.join(filter(None, row.engineering))!r}."
            )
    return Sheets(main=list(main.values()), open=edited.cases["OPEN"]), notes


def _delivered(
    network: Network, edited: Tracker, conf: NetworkHcSettings, base_sha256: str
) -> Tracker | None:
    """Return the tracker that an edited one was, as it went out; None when nobody has it."""
    files = SessionFile.objects.filter(session__network=network).select_related("session")
    known = files.filter(session__status__in=_DONE).order_by("-pk")
    # A tracker says by its last column which one it was: whoever had an older one open in a
    # spreadsheet has edited that one, whatever has taken its place.
    of_day = known.filter(
        kind=SessionFile.Kind.TRACKER_GENERATED,
        session__report_on=max(edited.columns, default=None),
    )
    first = known.filter(session__session_type=HealthCheckSession.Type.NEW_NETWORK_SETUP)
    for those in (
        of_day.filter(sha256=base_sha256),
        of_day.filter(session__status=HealthCheckSession.Status.COMPLETED),
        of_day,
        first.filter(kind=SessionFile.Kind.HC_TRACKER),
    ):
        for file in those:
            path = script_folder().session(file.session.session_id) / file.path
            if path.is_file():
                return read_tracker(path, limits=conf.tracker_limits)
    return None


def _said(key: Key) -> str:
    return f"Node {key[0]}, {key[1]}"


def _counted(count: int, text: str) -> Iterable[str]:
    if count > 0:
        yield f"{count} {text}."
