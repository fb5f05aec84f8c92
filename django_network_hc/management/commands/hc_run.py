"""One health check from the command line."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_network_hc.conf import get_conf
from django_network_hc.management.base import NetworkCommand
from django_network_hc.models import HealthCheckSession, SessionFile
from django_network_hc.services.folders import script_folder
from django_network_hc.services.judging import Judged, preview
from django_network_hc.services.processing import run_session
from django_network_hc.services.sessions import Input, find_session, open_session
from django_opskit.commands import ExitStatus, UsageError
from django_opskit.identity import user_name

__all__ = ["Command"]

_COUNTS = ("new", "closed", "closed_unverified", "reopened", "open_after")
_MOST_LISTED = 20


class Command(NetworkCommand):
    """``hc_run``: see its help."""

    help = (
        "Judge a report and its inventory, and write the tracker. With --dry-run say what would "
        "come of it and write nothing."
    )
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        self.add_network(parser)
        parser.add_argument("--report", type=Path, metavar="FILE", help="The report, an .xlsx.")
        parser.add_argument("--inventory", type=Path, metavar="FILE", help="The inventory, a .csv.")
        parser.add_argument(
            "--resume",
            metavar="SESSION",
            help="Run a session again that has failed or was interrupted, with the files it has.",
        )

    def handle(
        self,
        *args: Any,
        network: str | None = None,
        report: Path | None = None,
        inventory: Path | None = None,
        resume: str | None = None,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Run it."""
        files = (report, inventory)
        if resume is not None and (any(files) or dry_run):
            raise UsageError("--resume goes on with what the session has: give nothing else.")
        with self.speaking():
            if resume is not None:
                self._done(self._watched(find_session(resume)))
                return
            if network is None or report is None or inventory is None:
                raise UsageError("Give --network, --report and --inventory, or --resume.")
            one = self.one_network(network)
            if dry_run:
                self._previewed(preview(one, report, inventory))
                return
            conf = get_conf()
            inputs = [
                Input(SessionFile.Kind.TEC_REPORT, report.name, report, conf.REPORT_MB),
                Input(SessionFile.Kind.INVENTORY_CSV, inventory.name, inventory, conf.INVENTORY_MB),
            ]
            session = open_session(
                one,
                inputs,
                folder=script_folder(),
                initiated_by=f"hc_run, {user_name()}",
            )
            self._done(self._watched(session))

    def _watched(self, session: HealthCheckSession) -> tuple[HealthCheckSession, bool]:
        at = 0
        with self.progress(f"{session.network}", 100) as advance:

            def watch(percent: int, text: str) -> None:
                nonlocal at
                advance(percent - at)
                at = percent
                if self.verbosity > 1:
                    self.say(f"{percent:3d} % {text}")

            done = run_session(session, watch=watch)
        return done, done.pk != session.pk

    def _done(self, result: tuple[HealthCheckSession, bool]) -> None:
        session, is_repeated = result
        files = [
            f"sessions/{session}/{one.path}"
            for one in session.files.filter(removed_at=None)
            if one.path.startswith("output/")
        ]
        counts, coverage = session.counts, session.coverage
        self.counters = {name: counts[name] for name in _COUNTS}
        self.result(
            {
                "session": str(session),
                "status": session.status,
                "network": session.network.name,
                "report_date": session.report_on,
                "counts": counts,
                "coverage": coverage,
                "files": files,
                "notes": session.notes,
                "repeated": is_repeated,
                "published": session.is_published,
            },
            f"{session.network}, report of {session.report_on}: {session.status}"
            + (", as it was before: the files are the same" if is_repeated else ""),
            *_lines(counts, coverage),
            *(f"note: {note}" for note in session.notes),
            *(files if self.verbosity > 1 else [f"Files: {script_folder().root}/{_folder(files)}"]),
        )
        if not session.is_published:
            raise CommandError(
                f"{session.current_step} Mend that, and run hc_setup --action validate "
                f"--network {session.network.name!r}.",
                returncode=ExitStatus.FAILED,
            )

    def _previewed(self, judged: Judged) -> None:
        outcome = judged.outcome
        counts, coverage = outcome.counts(), outcome.coverage_counts()
        found = outcome.comparison
        lists = {
            "new": [one.key for one in found.new],
            "closed": found.closed,
            "closed_unverified": found.unverified,
            "reopened": found.reopened,
            "held": found.held,
        }
        self.counters = {name: counts[name] for name in _COUNTS}
        notes = [*judged.notes, *(judged.edits.notes if judged.edits else ())]
        self.result(
            {
                "session": None,
                "status": "DRY_RUN",
                "network": judged.network.name,
                "report_date": outcome.day,
                "counts": counts,
                "coverage": coverage,
                "files": [],
                "notes": notes,
                "lists": lists,
            },
            f"{judged.network}, report of {outcome.day}: nothing was written",
            *_lines(counts, coverage),
            *(f"note: {note}" for note in notes),
            *(line for name, keys in lists.items() for line in _listed(name, keys)),
        )


def _lines(counts: dict[str, int], coverage: dict[str, Any]) -> list[str]:
    return [
        f"  cases: {counts['new']} new ({counts['reopened']} reopened), {counts['closed']} closed "
        f"({counts['closed_unverified']} unverified), {counts['open_after']} open",
        f"  ignored: {counts['ignored_global']} by test, {counts['ignored_selective']} by finding",
        f"  nodes: {coverage['covered']} of {coverage['total']} covered, {coverage['missing']} "
        f"missing, {coverage['never_tested']} never tested, "
        f"{coverage['not_run_properly']} not run properly",
    ]


def _listed(name: str, keys: Any) -> list[str]:
    if not keys:
        return []
    shown = [f"  {node} {test} {issue}: {text}" for node, test, _prio, issue, text in keys]
    more = [f"  and {len(keys) - _MOST_LISTED} more"] if len(keys) > _MOST_LISTED else []
    return [f"{name.replace('_', ' ')}:", *shown[:_MOST_LISTED], *more]


def _folder(files: list[str]) -> str:
    return files[0].rpartition("/")[0] if files else "sessions"
