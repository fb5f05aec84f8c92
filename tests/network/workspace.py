"""A script directory with the sample network in it, as an operator would have prepared it."""

import io
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl

from django_network_hc.models import Case, HealthCheckSession, Network, NodeRun, SessionFile
from django_network_hc.readers.reports import FINDINGS, SUMMARY
from django_network_hc.services.folders import script_folder
from django_network_hc.services.networks import validate
from django_network_hc.services.processing import run_session
from django_network_hc.services.sessions import Input, open_session
from tests.network import samples

__all__ = [
    "case_of",
    "edit",
    "listed",
    "month_files",
    "open_report",
    "opened",
    "prepared",
    "run",
    "run_month",
    "state_of",
    "without_findings",
]

Kind = SessionFile.Kind


def prepared(root: Path, *, customer: str = "CustomerA", name: str = samples.NETWORK) -> Network:
    """Return a network that is ready, with its first tracker taken in."""
    root.mkdir(parents=True, exist_ok=True)
    folder = script_folder()
    assert folder.root == root
    sources = (samples.TRACKER, samples.IGNORED_TESTS, samples.IGNORED_FINDINGS)
    for source, target in zip(sources, folder.required(name), strict=True):
        shutil.copyfile(source, target)
    network = Network.objects.create(customer=customer, name=name)
    assert validate(network, initiated_by="a test").problems == []
    return network


def run_month(network: Network, month: int) -> HealthCheckSession:
    """Run one of the sample's three months."""
    return run(network, *month_files(month))


def month_files(month: int) -> tuple[Path, Path]:
    """Return the report and the inventory of a month."""
    folder = samples.folder(month)
    return (
        folder / samples.EXPECTED[month]["report"],
        folder / f"{samples.NETWORK}_Inventory.csv",
    )


def run(network: Network, report: Path, inventory: Path) -> HealthCheckSession:
    """Run a session with these two files."""
    inputs = [
        Input(Kind.TEC_REPORT, report.name, report, 100),
        Input(Kind.INVENTORY_CSV, inventory.name, inventory, 50),
    ]
    session = open_session(network, inputs, folder=script_folder(), initiated_by="a test")
    return run_session(session)


def listed(network: Network, **filters: Any) -> list[list[Any]]:
    """Return the keys of cases, as the golden lists have them."""
    fields = ("hc_id", "test", "priority", "issue", "text")
    return sorted(list(one) for one in network.cases.filter(**filters).values_list(*fields))


def opened(network: Network, month: int | None = None) -> HealthCheckSession:
    """Return a session that waits."""
    inputs = []
    if month is not None:
        kinds = (SessionFile.Kind.TEC_REPORT, SessionFile.Kind.INVENTORY_CSV)
        inputs = [
            Input(kind, path.name, path, 100)
            for kind, path in zip(kinds, month_files(month), strict=True)
        ]
    return open_session(network, inputs, folder=script_folder(), initiated_by="somebody")


def case_of(network: Network, key: Sequence[Any]) -> Case:
    """Return the open case of a key."""
    fields = dict(zip(("hc_id", "test", "priority", "issue", "text"), key, strict=True))
    return network.cases.get(state="OPEN", **fields)


def edit(path: Path, case: Case, column: str, value: Any, *, sheet: str = "MAIN") -> None:
    """Write into the row of a case, as a person does in a spreadsheet."""
    book = openpyxl.load_workbook(path)
    rows = book[sheet]
    header = [cell.value for cell in rows[1]]
    at = {name: header.index(name) for name in ("HC Id", "Test Case", "Finding", column)}
    for row in rows.iter_rows(min_row=2):
        said = tuple(str(row[at[name]].value) for name in ("HC Id", "Test Case", "Finding"))
        if said == (str(case.hc_id), case.test, case.text):
            row[at[column]].value = value
    book.save(path)


def open_report(report: Path) -> openpyxl.Workbook:
    """Open a report to change it, without the sheets of its nodes, which nothing reads."""
    return openpyxl.load_workbook(io.BytesIO(_without_nodes(report.read_bytes())))


@cache
def _without_nodes(report: bytes) -> bytes:
    # openpyxl takes seconds for these sheets, and the sample is opened again and again.
    book = openpyxl.load_workbook(io.BytesIO(report))
    for sheet in book.worksheets:
        if sheet.title not in (FINDINGS, SUMMARY):
            book.remove(sheet)
    rest = io.BytesIO()
    book.save(rest)
    return rest.getvalue()


def without_findings(report: Path, folder: Path, *, keep: int) -> Path:
    """Return a report that lacks what comes after so many findings."""
    book = open_report(report)
    rows = book["CWBP"]
    rows.delete_rows(keep + 2, rows.max_row)
    path = folder / report.name
    book.save(path)
    return path


def state_of(network: Network) -> tuple[Any, ...]:
    """Return all that is known of a network, but for what only the record needs."""
    fields = ("pk", "key", "state", "status", "remarks", "times_seen", "last_seen_on", "closed_on")
    runs = NodeRun.objects.filter(node__network=network).order_by("node__hc_id", "report_on")
    return (
        list(network.cases.order_by("pk").values_list(*fields)),
        list(network.nodes.order_by("hc_id").values_list("hc_id", "kind", "location", "pss_type")),
        list(runs.values_list("node__hc_id", "report_on", "tested_on", "said")),
    )
