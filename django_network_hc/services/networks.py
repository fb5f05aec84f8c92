"""Networks: found by the names that people give, made ready, and put back to their beginning."""

import logging
import shutil
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from django_network_hc.conf import get_conf
from django_network_hc.engine.ledger import OPEN, UNTOUCHED, folded, is_open
from django_network_hc.engine.merging import Sheets, merge
from django_network_hc.engine.rows import Case, Key
from django_network_hc.exceptions import (
    AmbiguousNetworkError,
    InputError,
    NetworkHcError,
    SessionLockedError,
    UnknownNetworkError,
)
from django_network_hc.models import HealthCheckSession, Network, SessionFile
from django_network_hc.readers import Tracker, read_tracker
from django_network_hc.services.edits import apply_edits, conflict_notes, edits_of, filled
from django_network_hc.services.folders import ScriptFolder, checksum, publish, script_folder
from django_network_hc.services.known import known_of
from django_network_hc.services.publishing import keep_tracker, republish
from django_network_hc.services.rules import read_rule_files, take_in_rules
from django_network_hc.services.sessions import (
    Input,
    Stream,
    cancel,
    fail,
    open_session,
    refuse_removed,
    sessions_at_work,
    take,
)
from django_network_hc.services.writing import put_cases, put_nodes, put_runs

__all__ = [
    "Reset",
    "Validation",
    "find_networks",
    "remove",
    "reset",
    "take_in_tracker",
    "validate",
]

logger = logging.getLogger(__name__)

Status, Type = HealthCheckSession.Status, HealthCheckSession.Type
SetupStatus = Network.SetupStatus


@dataclass(frozen=True)
class Validation:
    """
    What a look at the files of a network has shown.

    Attributes:
        files: the three that it needs, each with its size; None where it is missing.
        problems: why it is not ready; none when it is.
        notes: what was odd and did no harm.
    """

    network: Network
    files: dict[Path, int | None]
    was: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Return what the network is by this."""
        return (SetupStatus.NEW if self.problems else SetupStatus.READY).value


@dataclass(frozen=True)
class Reset:
    """What a reset takes away: files that go into a backup, and where that is."""

    network: Network
    files: list[Path]
    backup: Path


def find_networks(name: str | None) -> list[Network]:
    """
    Return the networks that are meant: one, or all when nothing is said.

    The name of a network counts first, then customer/network, then a customer who has one.

    Raises:
        UnknownNetworkError: there is none.
        AmbiguousNetworkError: the customer has several.
    """
    live = Network.objects.filter(removed_as=0)
    if name is None:
        return list(live)
    customer, _slash, own = name.rpartition("/")
    for found in (
        live.filter(name=name),
        live.filter(customer=customer, name=own) if customer else live.none(),
        live.filter(customer=name),
    ):
        networks = list(found)
        if len(networks) > 1:
            raise AmbiguousNetworkError(name, [str(one) for one in networks])
        if networks:
            return networks
    known = ", ".join(str(one) for one in live[:10]) or "none yet: add one in the admin"
    raise UnknownNetworkError(f"There is no network {name!r}. There are: {known}.")


def validate(network: Network, *, initiated_by: str, dry_run: bool = False) -> Validation:
    """
    Look whether a network has what it needs, and set its status.

    The first tracker of a network is taken in with its whole history.

    Args:
        network: which.
        initiated_by: who wants it, for the record.
        dry_run: only look.
    """
    refuse_removed(network)
    folder, conf = script_folder(), get_conf()
    files: dict[Path, int | None] = {
        one: one.stat().st_size if one.is_file() else None for one in folder.required(network.name)
    }
    found = Validation(network, files, was=network.setup_status)
    found.problems.extend(f"{one.name} is missing." for one, size in files.items() if size is None)
    tracker = folder.tracker(network.name)
    try:
        if not found.problems:
            rules = read_rule_files(network, folder, conf)
            found.notes.extend(rules.notes)
            if dry_run:
                found.notes.extend(read_tracker(tracker, limits=conf.tracker_limits).notes)
                return found
            is_other = checksum(tracker) != network.tracker_sha256
            if is_other and is_fresh(network):
                session = take_in_tracker(network, tracker, tracker.name, initiated_by=initiated_by)
                found.notes.extend(session.notes)
            elif is_other:
                # Somebody has edited it: the next report takes that over, if it can be read.
                read_tracker(tracker, limits=conf.tracker_limits)
            with transaction.atomic():
                Network.objects.select_for_update().get(pk=network.pk)
                take_in_rules(network, rules)
            if republish(network, folder=folder):
                found.notes.append(f"{tracker.name} was put in its place.")
    except InputError as error:
        found.problems.append(str(error))
    if not dry_run:
        Network.objects.filter(pk=network.pk).update(setup_status=found.status)
        network.refresh_from_db()
    return found


def is_fresh(network: Network) -> bool:
    """Return whether nothing is known of a network."""
    done = network.sessions.filter(status=Status.COMPLETED, report_on__isnull=False)
    return not (done.exists() or network.cases.exists() or network.nodes.exists())


def take_in_tracker(
    network: Network, content: Path | Stream, name: str, *, initiated_by: str
) -> HealthCheckSession:
    """
    Take in a tracker: the first one with its whole history, a later one with what was edited.

    Raises:
        InputError: it is no tracker; the session has failed.
        SessionLockedError: another session of the network is at work.
    """
    folder, conf = script_folder(), get_conf()
    is_first = is_fresh(network)
    session = open_session(
        network,
        [Input(SessionFile.Kind.HC_TRACKER, name, content, conf.TRACKER_MB)],
        folder=folder,
        initiated_by=initiated_by,
        session_type=Type.NEW_NETWORK_SETUP if is_first else Type.MAINTENANCE,
    )
    try:
        turn = take(session, lease_seconds=conf.LEASE_SECONDS)
        path = folder.session(session.session_id) / session.files.get().path
        turn.step(20, "reading the tracker")
        # Another one may have ended since: the first tracker is taken in once.
        is_first = is_fresh(network)
        session.session_type = Type.NEW_NETWORK_SETUP if is_first else Type.MAINTENANCE
        session.save(update_fields=["session_type"])
        if is_first:
            tracker = read_tracker(path, limits=conf.tracker_limits)
            cases, notes = _history(tracker)
            with transaction.atomic():
                _import(network, tracker, cases)
                counts = {
                    "cases": len(cases),
                    "open": sum(is_open(one.status) for one in cases),
                    "nodes": len(tracker.nodes),
                    "reports": len(tracker.columns),
                }
                turn.end(Status.COMPLETED, counts=counts, notes=notes, progress_percentage=100)
            _place(session, path, folder)
        else:
            edits = edits_of(network, path, known_of(network), conf)
            with transaction.atomic():
                apply_edits(network, edits)
                counts = {
                    "changed": len(edits.changed),
                    "added": len(edits.added),
                    "conflicts": edits.conflicts,
                }
                turn.end(
                    Status.COMPLETED, counts=counts, notes=edits.notes, progress_percentage=100
                )
            if checksum(path) == checksum(folder.tracker(network.name)):
                _know(network, checksum(path))
    except BaseException as error:
        fail(session, error)
        raise
    session.refresh_from_db()
    return session


def remove(network: Network) -> None:
    """
    Remove a network: its name is free again, and what is known of it stays.

    Raises:
        SessionLockedError: a session of it is at work; nothing was done.
    """
    with transaction.atomic():
        Network.objects.select_for_update().get(pk=network.pk)
        if at_work := sessions_at_work([network]):
            raise SessionLockedError(f"Session {at_work[0]} of {network} is at work.")
        for session in network.sessions.filter(status=Status.PENDING):
            cancel(session)
        Network.objects.filter(pk=network.pk, removed_as=0).update(removed_as=network.pk)


def reset(networks: list[Network], *, dry_run: bool = False) -> list[Reset]:
    """
    Take away the files of networks, into a backup, and set them to NEW.

    What is known of a network stays.

    Args:
        networks: which.
        dry_run: only say what would go.

    Raises:
        SessionLockedError: a session of one is at work; nothing was done.
        OSError: there is no room for a backup; the files of that network are still there.
    """
    folder, now = script_folder(), timezone.now()
    if at_work := sessions_at_work(networks):
        raise SessionLockedError(f"Session {at_work[0]} of {at_work[0].network} is at work.")
    found = [_reset_of(one, folder, now) for one in networks]
    for one in found:
        if not dry_run:
            _take_away(one)
    return found


def _history(tracker: Tracker) -> tuple[list[Case], list[str]]:
    """Return all cases of a tracker, with what was written into OPEN alone."""
    main = tracker.cases["MAIN"]
    still = {case.key for case in main if is_open(case.status)}
    keys = {case.key for case in main}
    # A row of OPEN that MAIN has closed is what older trackers forgot to take out.
    opened = [case for case in tracker.cases["OPEN"] if case.key in still or case.key not in keys]
    # A blank in one sheet is nothing that somebody has written there.
    known = _by_place(main)
    opened = [filled(case, known.get((case.key, case.found_on))) for case in opened]
    untouched = Sheets(
        main=[_untouched(case) for case in main],
        open=[_untouched(case) for case in opened if case.key in keys],
    )
    merged = merge(main, Sheets(main=main, open=opened), delivered=untouched)
    cases, folds = folded(merged.cases)
    return cases, [*tracker.notes, *folds, *conflict_notes(merged.conflicts)]


def _by_place(cases: list[Case]) -> dict[tuple[Key, date | None], Case]:
    return {(case.key, case.found_on): case for case in cases if is_open(case.status)}


def _untouched(case: Case) -> Case:
    """Return a row as it was before anybody had written into it."""
    status = OPEN if is_open(case.status) else case.status
    return case._replace(engineering=UNTOUCHED, extras=(), status=status)


def _import(network: Network, tracker: Tracker, cases: list[Case]) -> None:
    put_nodes(network, tracker.nodes.values())
    put_runs(network, tracker.columns)
    last = max(tracker.columns, default=None)
    put_cases(network, cases, last_seen_on=last)


def _place(session: HealthCheckSession, path: Path, folder: ScriptFolder) -> None:
    """Put a first tracker in its place; what stands there, if it is another one, is kept."""
    target = folder.tracker(session.network.name)
    wanted = checksum(path)
    if checksum(target) != wanted:
        keep_tracker(session, target, folder)
        publish(path, target)
    _know(session.network, wanted)


def _know(network: Network, sha256: str) -> None:
    Network.objects.filter(pk=network.pk).update(tracker_sha256=sha256)
    network.tracker_sha256 = sha256


def _reset_of(network: Network, folder: ScriptFolder, now: datetime) -> Reset:
    files = [one for one in folder.required(network.name) if one.is_file()]
    name = f"{network.name}-{now:%Y%m%dT%H%M%S}"
    return Reset(network, files, folder.backups / name)


def _take_away(one: Reset) -> None:
    one.backup.mkdir(parents=True)
    for file in one.files:
        shutil.copy2(file, one.backup / file.name)
        if checksum(file) != checksum(one.backup / file.name):
            raise NetworkHcError(f"{file.name} could not be kept in {str(one.backup)!r}.")
    for file in one.files:
        file.unlink()
    Network.objects.filter(pk=one.network.pk).update(
        setup_status=SetupStatus.NEW, tracker_sha256=""
    )
    one.network.refresh_from_db()
    logger.info("network=%s was reset, backup=%s", one.network, one.backup)
