"""
A health check, from its files to the tracker.

The hardest failure is one in the middle. So all that can fail comes first: the files are read and
judged, and the outputs written into a folder of the session's own. Then one transaction changes the
database and ends the session. The tracker is put in its place last; where that fails the session
says so, and the next one, or ``hc_setup --action validate``, does it.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django.db import IntegrityError, transaction

from django_network_hc.conf import NetworkHcSettings, get_conf
from django_network_hc.engine.comparing import Options
from django_network_hc.engine.ledger import Ledger, advanced
from django_network_hc.engine.outcome import Outcome, judge
from django_network_hc.exceptions import (
    ChangedMeanwhileError,
    InputError,
    NotReadyError,
    OlderReportError,
)
from django_network_hc.models import (
    HealthCheckSession,
    InventoryItem,
    Network,
    NodeRun,
    SessionFile,
)
from django_network_hc.readers import Inventory, Report, read_inventory, read_report
from django_network_hc.services.edits import Edits, apply_edits, edits_of
from django_network_hc.services.folders import ScriptFolder, checksum, script_folder, sync
from django_network_hc.services.known import Known, known_of
from django_network_hc.services.mailing import mail_session
from django_network_hc.services.publishing import publish_tracker
from django_network_hc.services.rules import (
    RuleFiles,
    count_hits,
    read_rule_files,
    rules_for,
    take_in_rules,
)
from django_network_hc.services.script import ScriptRun, run_script
from django_network_hc.services.sessions import Turn, fail, keep_file, take
from django_network_hc.services.writing import Writing, take_back
from django_network_hc.workbooks.outputs import Check, write_outputs

__all__ = ["Judged", "day_before", "last_session", "preview", "run_session"]

logger = logging.getLogger(__name__)

Status, Kind = HealthCheckSession.Status, SessionFile.Kind


@dataclass(frozen=True)
class Judged:
    """
    What a report would come to.

    Attributes:
        session: the one that has done all this already; None for work to do.
        replaces: the session of the same day that this one stands in for.
        tracker_sha256: of the tracker in the script directory, as it was read.
    """

    network: Network
    report: Report = field(repr=False)
    inventory: Inventory = field(repr=False)
    report_file: str
    inventory_file: str
    rule_files: RuleFiles = field(repr=False)
    known: Known = field(repr=False)
    outcome: Outcome = field(repr=False)
    ledger: Ledger = field(repr=False)
    edits: Edits | None = field(repr=False)
    notes: list[str]
    content_sha256: str
    tracker_sha256: str
    session: HealthCheckSession | None = None
    replaces: HealthCheckSession | None = None


def preview(
    network: Network, report: Path, inventory: Path, *, conf: NetworkHcSettings | None = None
) -> Judged:
    """
    Judge a report and write nothing.

    Raises:
        InputError: a file is not what it should be.
        NotReadyError: the network lacks files.
        OlderReportError: the network has a younger report.
    """
    return _judge(network, report, inventory, script_folder(), conf or get_conf(), _silent)


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
        judged = _judge(
            session.network,
            _input(session, Kind.TEC_REPORT, folder),
            _input(session, Kind.INVENTORY_CSV, folder),
            folder,
            conf,
            turn.step,
        )
        if judged.session is not None:
            return _repeated(turn, judged.session)
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


def last_session(network: Network) -> HealthCheckSession | None:
    """Return the session whose report a network has got as its newest."""
    done = network.sessions.filter(status=Status.COMPLETED, report_on__isnull=False)
    return done.order_by("-report_on", "-pk").first()


def _judge(
    network: Network,
    report_path: Path,
    inventory_path: Path,
    folder: ScriptFolder,
    conf: NetworkHcSettings,
    step: Callable[[int, str], None],
) -> Judged:
    _need_files(network, folder)
    step(15, "reading the report")
    report = read_report(report_path, limits=conf.report_limits)
    if report.name.network != network.name:
        raise InputError(
            report_path.name,
            f"this report is of network {report.name.network!r}; {network.name!r} is wanted.",
        )
    step(20, "reading the inventory")
    inventory = read_inventory(inventory_path, most_mb=conf.INVENTORY_MB)
    files = read_rule_files(network, folder, conf)
    day = report.name.day
    rules, rules_sha256 = rules_for(network, files, day=day)
    last = last_session(network)
    _refuse_older(report, last, network)
    replaces = last if last is not None and last.report_on == day else None
    options = Options(frozenset(conf.MASKED_TESTS), conf.HOLD_UNVERIFIED)
    content = _content_sha256(report_path, inventory_path, rules_sha256, options)
    step(25, "comparing")
    tracker_sha256 = checksum(folder.tracker(network.name))
    known = known_of(network, without=replaces)
    edits = None
    if tracker_sha256 != network.tracker_sha256:
        edits = edits_of(
            network,
            folder.tracker(network.name),
            known,
            conf,
            base_sha256=network.tracker_sha256,
        )
        known = edits.known
    outcome = judge(
        known.standing,
        day=day,
        findings=report.findings,
        lines=report.nodes,
        inventory=inventory.items,
        rules=rules,
        options=options,
    )
    is_same = replaces is not None and replaces.content_sha256 == content and not edits
    return Judged(
        network=network,
        report=report,
        inventory=inventory,
        report_file=report_path.name,
        inventory_file=inventory_path.name,
        rule_files=files,
        known=known,
        outcome=outcome,
        ledger=advanced(known.cases, outcome, network=network.name, written=known.begun),
        edits=edits,
        notes=[*report.notes, *inventory.notes, *files.notes, *_doubts(report, inventory)],
        content_sha256=content,
        tracker_sha256=tracker_sha256,
        session=replaces if is_same else None,
        replaces=replaces,
    )


def _need_files(network: Network, folder: ScriptFolder) -> None:
    missing = [one.name for one in folder.required(network.name) if not one.is_file()]
    if missing:
        raise NotReadyError(
            f"{network} is not ready: {', '.join(missing)} missing in {str(folder.root)!r}. "
            "Put them there, or write them from the templates: "
            f"hc_setup --action setup --network {network.name!r}."
        )
    if not network.is_ready:
        raise NotReadyError(
            f"{network} is not ready: check it with hc_setup --action validate "
            f"--network {network.name!r}."
        )


def _refuse_older(report: Report, last: HealthCheckSession | None, network: Network) -> None:
    if last is None or last.report_on is None or last.report_on <= report.name.day:
        return
    raise OlderReportError(
        f"{network} has the report of {last.report_on} already, and this one is of "
        f"{report.name.day}: an older report would close what the younger one has found. Take the "
        "younger one back (hc_undo), run this one, and run the younger one again."
    )


def _doubts(report: Report, inventory: Inventory) -> list[str]:
    """Say when an inventory is hardly that of the report's network."""
    nodes = {one.node for one in report.nodes}
    own = {one.node for one in inventory.items}
    strangers = len(own - nodes)
    if own and strangers * 2 > len(own):
        return [f"{strangers} of {len(own)} nodes of the inventory are not in the report."]
    return []


def _content_sha256(report: Path, inventory: Path, rules: str, options: Options) -> str:
    how = [sorted(options.masked_tests), options.holds_unverified]
    whole = json.dumps([checksum(report), checksum(inventory), rules, how])
    return hashlib.sha256(whole.encode()).hexdigest()


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
    own = folder.session(turn.session.session_id)
    draft, final = own / ".writing", own / "output"
    for one in (draft, final):
        shutil.rmtree(one, ignore_errors=True)
    draft.mkdir(parents=True)
    if conf.ENGINE == "script":
        _run_script(turn, judged, conf, folder, draft)
    else:
        _write_outputs(turn, judged, draft)
    draft.replace(final)
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
    output = folder.session(session.session_id) / "output"
    turn.step(85, "writing the database")
    files = [(one, _kind(one, judged)) for one in sorted(output.iterdir())]
    tracker = next(one for one, kind in files if kind == Kind.TRACKER_GENERATED)
    with _once_more_if_changed(), transaction.atomic():
        # Whoever edits cases or rules by hand may; another session of the network may not.
        Network.objects.select_for_update().get(pk=judged.network.pk)
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
        count_hits(session.network, outcome.sorted, day=outcome.day)
        _forget_stock(session, conf.KEEP_INVENTORIES)
        for path, kind in files:
            keep_file(session, path, kind, folder=folder)
        turn.end(
            Status.COMPLETED,
            report_on=outcome.day,
            counts=outcome.counts(),
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
        *(outcome.counts()[name] for name in ("new", "closed", "open_after")),
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
    return [*judged.notes, *(judged.edits.notes if judged.edits else ())]


def day_before(session: HealthCheckSession) -> date | None:
    """Return the day of the report before that of a session, one of its first tracker included."""
    runs = NodeRun.objects.filter(node__network=session.network_id, report_on__lt=session.day)
    return runs.order_by("-report_on").values_list("report_on", flat=True).first()


def _forget_stock(session: HealthCheckSession, keep: int) -> None:
    """Let go of the inventories of all but the newest reports; their files stay."""
    others = session.network.sessions.filter(status=Status.COMPLETED, report_on__isnull=False)
    newest = others.order_by("-report_on", "-pk").values_list("pk", flat=True)[: keep - 1]
    items = InventoryItem.objects.filter(session__network=session.network_id)
    items.exclude(session__in=[session.pk, *newest]).delete()


def _silent(_percent: int, _text: str) -> None:
    """Say nothing."""
