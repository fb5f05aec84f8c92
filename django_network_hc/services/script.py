"""
The site's own script, run in place of this app's workbooks.

It runs in a copy of the script directory that holds its network's files alone, so that two of them
never meet, and what it breaks is a copy. Its exit status says nothing, since such scripts end with
0 whatever was wrong: what counts is a tracker that was written and can be read.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django_network_hc.conf import NetworkHcSettings
from django_network_hc.engine.ledger import is_open
from django_network_hc.engine.outcome import Outcome
from django_network_hc.exceptions import InputError, ScriptError
from django_network_hc.models import Network
from django_network_hc.readers import read_tracker
from django_network_hc.services.folders import ScriptFolder, checksum, publish
from django_network_hc.workbooks.outputs import delivered_name, tracker_name

__all__ = ["ScriptRun", "run_script"]

_POLL_SECONDS = 0.5
_LAST_LINES = 3
# Nothing of these belongs to the script itself.
_OURS = {*ScriptFolder.DIRECTORIES, "venv", ".venv", "__pycache__", ".git"}
_OF_NETWORKS = ("_HC_Issues_Tracker.xlsx", "_ignored_test_cases.txt", "_ignored_test_cases.xlsx")


@dataclass(frozen=True)
class ScriptRun:
    """
    What to run it with.

    Attributes:
        own: a folder of this session's own, which is made.
        report, inventory: where they lie.
    """

    network: Network
    folder: ScriptFolder
    own: Path
    report: Path
    inventory: Path


def run_script(
    run: ScriptRun,
    outcome: Outcome,
    conf: NetworkHcSettings,
    target: Path,
    beat: Callable[[], None],
) -> list[str]:
    """
    Run it, put its outputs into a folder, and return notes where it counts otherwise than we do.

    Args:
        run: with what.
        outcome: what this app makes of the report.
        conf: the settings.
        target: where its outputs go; the tracker under the name that it is delivered with.
        beat: called again and again; what it raises ends the script.

    Raises:
        ScriptError: it is missing, took too long, or left no tracker that can be read.
    """
    try:
        return _run(run, outcome, conf, target, beat)
    except (OSError, shutil.Error) as error:
        raise ScriptError(
            f"main.py could not be run, or left what cannot be read: {error}"
        ) from error


def _run(
    run: ScriptRun,
    outcome: Outcome,
    conf: NetworkHcSettings,
    target: Path,
    beat: Callable[[], None],
) -> list[str]:
    shutil.rmtree(run.own, ignore_errors=True)
    copy = run.own / "Script"
    _copy(run, copy)
    tracker = copy / tracker_name(run.network.name)
    before = checksum(tracker)
    status = _execute(run, copy, conf, beat)
    if not tracker.is_file() or checksum(tracker) == before:
        raise ScriptError(f"main.py ended with {status} and wrote no tracker. {_last_words(run)}")
    try:
        found = read_tracker(tracker, limits=conf.tracker_limits)
    except InputError as error:
        raise ScriptError(f"main.py ended with {status} and wrote no tracker: {error}") from error
    if outcome.day not in found.columns:
        raise ScriptError(
            f"main.py ended with {status}, and its tracker has no column of {outcome.day}. "
            f"{_last_words(run)}"
        )
    for path in sorted((copy / "output").glob("*")):
        if path.is_file() and not path.name.startswith(run.network.name + "_HC_Issues_Tracker"):
            publish(path, target / path.name)
    publish(tracker, target / delivered_name(run.network.name, outcome.day))
    shutil.rmtree(copy, ignore_errors=True)
    still = sum(is_open(one.status) for one in found.cases["MAIN"])
    ours = outcome.counts()["open_after"]
    if still == ours:
        return []
    return [f"The script has {still} open cases in MAIN; this app counts {ours}."]


def _copy(run: ScriptRun, copy: Path) -> None:
    root = run.folder.root
    if not (root / "main.py").is_file():
        raise ScriptError(f"main.py is missing in {str(root)!r}, which ENGINE = 'script' runs.")
    wanted = {path.name for path in run.folder.required(run.network.name)}

    def ignored(place: str, names: Iterable[str]) -> list[str]:
        if Path(place) != root:
            return [name for name in names if name in ("__pycache__", ".git")]
        others = {name for name in names if name.endswith(_OF_NETWORKS)} - wanted
        return [name for name in names if name in _OURS or name in others]

    shutil.copytree(root, copy, ignore=ignored)
    for name in ("input-hc-report", "output"):
        (copy / name).mkdir()
    for path in (run.report, run.inventory):
        shutil.copyfile(path, copy / "input-hc-report" / path.name)


def _execute(
    run: ScriptRun, copy: Path, conf: NetworkHcSettings, beat: Callable[[], None]
) -> int | None:
    """Run it in a group of processes of its own, and end all of them with it."""
    own = run.folder.root / "venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    began = time.monotonic()
    with (run.own / "stdout.txt").open("wb") as out, (run.own / "stderr.txt").open("wb") as err:
        process = subprocess.Popen(  # noqa: S603  # the site's own script
            [python, "main.py"],
            cwd=copy,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if time.monotonic() - began > conf.SCRIPT_TIMEOUT_SECONDS:
                    raise ScriptError(
                        f"main.py took longer than {conf.SCRIPT_TIMEOUT_SECONDS} seconds "
                        "(SCRIPT_TIMEOUT_SECONDS), and was ended."
                    )
                beat()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_SECONDS)
        finally:
            # What it has started may be alive when it is not.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode


def _last_words(run: ScriptRun) -> str:
    for name in ("stderr.txt", "stdout.txt"):
        text = (run.own / name).read_text(encoding="utf-8", errors="replace").strip()
        if text:
            return f"Its last words: {' / '.join(text.splitlines()[-_LAST_LINES:])[:500]}"
    return "It said nothing."
