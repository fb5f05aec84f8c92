"""
A report, read and judged against what is known of its network; nothing is written.

What a dry run shows is what a session then takes: both come from here.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django_network_hc.conf import NetworkHcSettings, get_conf
from django_network_hc.engine.comparing import Options
from django_network_hc.engine.ledger import Ledger, advanced
from django_network_hc.engine.outcome import Outcome, judge
from django_network_hc.exceptions import InputError, NotReadyError, OlderReportError
from django_network_hc.models import HealthCheckSession, Network, NodeRun
from django_network_hc.readers import Inventory, Report, read_inventory, read_report
from django_network_hc.services.edits import Edits, edits_of, is_edited
from django_network_hc.services.folders import ScriptFolder, checksum, script_folder
from django_network_hc.services.known import Known, known_of
from django_network_hc.services.reports import last_session
from django_network_hc.services.rules import RuleFiles, read_rule_files, rules_for

__all__ = ["Judged", "judge_files", "preview"]


@dataclass(frozen=True)
class Judged:
    """
    What a report would come to.

    Attributes:
        session: the one that has done all this already; None for work to do.
        replaces: the session of the same day that this one stands in for.
        last: the session whose report was the newest.
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
    last: HealthCheckSession | None = None


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
    return judge_files(network, report, inventory, script_folder(), conf or get_conf(), _silent)


def judge_files(
    network: Network,
    report_path: Path,
    inventory_path: Path,
    folder: ScriptFolder,
    conf: NetworkHcSettings,
    step: Callable[[int, str], None],
) -> Judged:
    """
    Judge a report.

    Args:
        network: whose.
        report_path: where the report lies, under its own name.
        inventory_path: where the inventory lies.
        folder: the script directory.
        conf: the settings.
        step: told the percentage and the step.

    Raises:
        InputError: a file is not what it should be.
        NotReadyError: the network lacks files.
        OlderReportError: the network has a younger report.
    """
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
    if is_edited(network, tracker_sha256):
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
        last=last,
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
    day = report.name.day
    imported = NodeRun.objects.filter(
        node__network=network, session__isnull=True, report_on__gte=day
    )
    newest = imported.order_by("-report_on").values_list("report_on", flat=True).first()
    if newest is not None:
        raise OlderReportError(
            f"The tracker that {network} began with has the report of {newest} already: one of "
            f"{day} comes too late."
        )
    if last is None or last.report_on is None or last.report_on <= day:
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


def _silent(_percent: int, _text: str) -> None:
    """Say nothing."""
