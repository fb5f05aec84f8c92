"""
A health check, from its files to the tracker.

The hardest failure is one in the middle. So all that can fail comes first: the files are read and
judged, and the outputs written into a folder of the session's own. Then one transaction changes the
database and ends the session. The tracker is put in its place last; where that fails the session
says so, and the next one, or ``hc_setup --action validate``, does it.
"""

import logging
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import IntegrityError, transaction

from django_network_hc.conf import NetworkHcSettings, get_conf
from django_network_hc.engine.ledger import is_open
from django_network_hc.exceptions import ChangedMeanwhileError, InputError
from django_network_hc.models import HealthCheckSession, InventoryItem, Network, SessionFile
from django_network_hc.services.edits import apply_edits
from django_network_hc.services.folders import ScriptFolder, script_folder, sync
from django_network_hc.services.judging import Judged, judge_files
from django_network_hc.services.mailing import mail_session
from django_network_hc.services.publishing import publish_tracker, republish
from django_network_hc.services.reports import day_before, last_session
from django_network_hc.services.reversing import take_back
from django_network_hc.services.rules import count_hits, take_in_rules
from django_network_hc.services.script import ScriptRun, run_script
from django_network_hc.services.sessions import Turn, fail, keep_file, refuse_removed, take
from django_network_hc.services.writing import Writing
from django_network_hc.workbooks.outputs import Check, write_outputs

__all__ = ["run_session"]

logger = logging.getLogger(__name__)

Status, Kind = HealthCheckSession.Status, SessionFile.Kind


def run_session(
    session: HealthCheckSession, *, watch: Callable[[int, str], None] | None = None
) -> HealthCheckSession:
    """
    Run a session to its end, and return it, or the one that had the same files before.

    Args:
        session: one that waits, or one that has failed and is run again.
        watch: told the percentage and the step, again and again.

    Raises:
        SessionLockedError: another session of the network is at work.
        NetworkHcError: what went wrong; the session has failed.
    """
    conf, folder = get_conf(), script_folder()
    turn = take(session, lease_seconds=conf.LEASE_SECONDS, watch=watch)
    try:
        turn.step(5, "preparing")
        judged = judge_files(
            session.network,
            _input(session, Kind.TEC_REPORT, folder),
            _input(session, Kind.INVENTORY_CSV, folder),
            folder,
            conf,
            turn.step,
        )
        if judged.session is not None:
            before = _repeated(turn, judged.session)
            republish(session.network, folder=folder)
            before.refresh_from_db()
            return before
        _write_files(turn, judged, conf, folder)
        _write_rows(turn, judged, conf, folder)
    except BaseException as error:
        fail(session, error)
        if isinstance(error, Exception):
            mail_session(session)
        raise
    session.refresh_from_db()
    mail_session(session)
    return session


def _input(session: HealthCheckSession, kind: SessionFile.Kind, folder: ScriptFolder) -> Path:
    file = session.files.filter(kind=kind).first()
    path = None if file is None else folder.session(session.session_id) / file.path
    if path is None or not path.is_file():
        raise InputError(
            str(kind.label), "the session has it no more: open a new one and give it again."
        )
    return path


def _repeated(turn: Turn, before: HealthCheckSession) -> HealthCheckSession:
    """End a session whose files another one has brought already."""
    turn.end(
        Status.CANCELLED,
        report_on=before.report_on,
        error_messages=f"Session {before} has done this report already, with the same files.",
        progress_percentage=100,
    )
    return before


def _write_files(turn: Turn, judged: Judged, conf: NetworkHcSettings, folder: ScriptFolder) -> None:
    """Write all outputs into the session's folder, where they are complete or not there."""
    turn.step(28, "writing the files")
    own = folder.session(turn.session.session_id)
    # Of this turn alone: a process that was taken for dead may wake up and write on.
    draft, final = own / f".writing-{secrets.token_hex(4)}", own / "output"
    draft.mkdir(parents=True)
    try:
        if conf.ENGINE == "script":
            _run_script(turn, judged, conf, folder, draft)
        else:
            _write_outputs(turn, judged, draft)
        turn.step(80, "putting the files in their place")
        shutil.rmtree(final, ignore_errors=True)
        draft.replace(final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync(own)


def _run_script(
    turn: Turn, judged: Judged, conf: NetworkHcSettings, folder: ScriptFolder, draft: Path
) -> None:
    session = turn.session
    run = ScriptRun(
        network=judged.network,
        folder=folder,
        own=folder.session(session.session_id) / "script",
        report=_input(session, Kind.TEC_REPORT, folder),
        inventory=_input(session, Kind.INVENTORY_CSV, folder),
    )
    try:
        notes = run_script(
            run, judged.outcome, conf, draft, lambda: turn.step(30, "main.py is at work")
        )
    finally:
        for path in run.own.glob("*.txt"):
            keep_file(session, path, Kind.LOG, folder=folder)
    judged.notes.extend(notes)


def _write_outputs(turn: Turn, judged: Judged, draft: Path) -> None:
    check = Check(
        network=judged.network.name,
        outcome=judged.outcome,
        ledger=judged.ledger,
        columns=judged.known.columns,
        inventory_header=judged.inventory.header,
        report=judged.report_file,
        inventory=judged.inventory_file,
    )
    done = 0

    def written(path: Path) -> None:
        nonlocal done
        done += 1
        sync(path)
        turn.step(30 + done * 6, f"wrote {path.name}")

    write_outputs(draft, check, written)


def _write_rows(turn: Turn, judged: Judged, conf: NetworkHcSettings, folder: ScriptFolder) -> None:
    session, outcome = turn.session, judged.outcome
    # Once: it looks at every finding.
    counts = outcome.counts()
    output = folder.session(session.session_id) / "output"
    turn.step(85, "writing the database")
    files = [(one, _kind(one, judged)) for one in sorted(output.iterdir())]
    tracker = next(one for one, kind in files if kind == Kind.TRACKER_GENERATED)
    with _once_more_if_changed(), transaction.atomic():
        # Whoever edits cases or rules by hand may; another session of the network may not.
        refuse_removed(Network.objects.select_for_update().get(pk=judged.network.pk))
        if last_session(judged.network) != judged.last:
            raise ChangedMeanwhileError(
                "Another report was processed or taken back while this session worked: run it "
                "again."
            )
        # What people have written into the tracker itself comes first: no case goes that has it.
        if judged.edits is not None:
            apply_edits(session.network, judged.edits)
        if judged.replaces is not None:
            again = {case.key: case for case in judged.ledger.begun}
            take_back(
                judged.replaces,
                again={key: one for key, one in judged.known.begun.items() if key in again},
                seen_on=day_before(judged.replaces),
                reason=f"Replaced by session {session}.",
            )
        session.report_on = outcome.day
        writing = Writing(
            session=session,
            known=judged.known,
            outcome=outcome,
            ledger=judged.ledger,
            masked_tests=frozenset(conf.MASKED_TESTS),
        )
        before = writing.write()
        take_in_rules(session.network, judged.rule_files)
        before["hits"] = count_hits(session.network, outcome.sorted, day=outcome.day)
        _forget_stock(session, conf.KEEP_INVENTORIES)
        for path, kind in files:
            keep_file(session, path, kind, folder=folder)
        turn.end(
            Status.COMPLETED,
            report_on=outcome.day,
            counts=counts,
            coverage=outcome.coverage_counts(),
            notes=_notes(judged),
            content_sha256=judged.content_sha256,
            before={**before, "replaces": judged.replaces and judged.replaces.pk},
            progress_percentage=95,
            current_step="putting the tracker in its place",
        )
        transaction.on_commit(
            lambda: publish_tracker(session, tracker, expected=judged.tracker_sha256, folder=folder)
        )
    logger.info(
        "session=%s network=%s report=%s new=%s closed=%s open=%s",
        session,
        judged.network,
        outcome.day,
        *(counts[name] for name in ("new", "closed", "open_after")),
    )


@contextmanager
def _once_more_if_changed() -> Iterator[None]:
    """Say in words what the database says when a case was opened by hand in the meantime."""
    try:
        yield
    except IntegrityError as error:
        raise ChangedMeanwhileError(
            "Cases were opened by hand while this session worked: run it again."
        ) from error


def _kind(path: Path, judged: Judged) -> SessionFile.Kind:
    is_tracker = path.name.startswith(f"{judged.network.name}_HC_Issues_Tracker_")
    return Kind.TRACKER_GENERATED if is_tracker else Kind.OUTPUT


def _notes(judged: Judged) -> list[str]:
    again = {case.key for case in judged.ledger.begun}
    ended = [
        f"Case {case.row} was set to {case.status} by hand; the corrected report has its finding, "
        "and it is open again."
        for case in judged.known.begun.values()
        if case.key in again and not is_open(case.status)
    ]
    return [*judged.notes, *(judged.edits.notes if judged.edits else ()), *ended]


def _forget_stock(session: HealthCheckSession, keep: int) -> None:
    """Let go of the inventories of all but the newest reports; their files stay."""
    others = session.network.sessions.filter(status=Status.COMPLETED, report_on__isnull=False)
    newest = others.order_by("-report_on", "-pk").values_list("pk", flat=True)[:keep]
    items = InventoryItem.objects.filter(session__network=session.network_id)
    items.exclude(session__in=[session.pk, *newest]).delete()
