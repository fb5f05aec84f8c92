"""
Run the suite on each database that answers, and judge the coverage of all runs together.

SQLite is always there. PostgreSQL and MariaDB are used where they answer; with
OPSKIT_REQUIRE_SERVICES=1 a server that does not answer is a failure. Arguments go to pytest;
coverage is measured then, but not judged, because a part of the suite proves only a part.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from scripts.programs import ROOT, run_shown, say
from tests.services import MARIADB, POSTGRESQL, SERVICES

LAST_LINE = re.compile(r"=* ?(\d+ \w+.* in [\d.]+s.*|no tests ran.*)")

# Where a server does what SQLite cannot show. Only this is measured there: tracing each line of the
# house doubles the time of a run.
SERVERS_PART = ("django_outbox/backends", "django_outbox/services", "django_system_ops/services")

# Much of the suite waits for real processes and servers: one more than there are processors. More
# than a few of them, and a small machine has no time left for each.
PROCESSES = min(4, 1 + (os.cpu_count() or 1))


@dataclass(frozen=True)
class Outcome:
    """What came of one database: pytest's status and last line, or why it was not used."""

    database: str
    status: int | None
    line: str

    @property
    def is_complete(self) -> bool:
        """Say whether the suite ran on this database at all."""
        return self.status is not None


def run_suite(database: str, data_file: Path, pytest_args: Sequence[str]) -> Outcome:
    """Run pytest on `database` with its output shown, and keep its last line."""
    command = [sys.executable, "-m", "coverage", "run"]
    if database != "sqlite":
        command += ["--source", ",".join(SERVERS_PART)]
    command += ["-m", "pytest", "--numprocesses", str(PROCESSES), "--durations=10"]
    # A test that swallows the end of its time, or waits on the way out, ends with its worker.
    command += ["--timeout-method=thread", *pytest_args]
    if sys.stdout.isatty():
        command.append("--color=yes")
    env = {**os.environ, "OPSKIT_DATABASE": database, "COVERAGE_FILE": str(data_file)}
    # The suite starts thousands of processes: none compiles what another has compiled.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env["PYTHONPYCACHEPREFIX"] = str(data_file.with_name("compiled"))
    say(f"\n=== The suite on {database} ===")
    last_lines = ["pytest ended without a summary"]

    def keep_the_last(line: str) -> None:
        if LAST_LINE.fullmatch(line):
            last_lines.append(line.strip("= "))

    status = run_shown(command, env=env, listener=keep_the_last)
    return Outcome(database, status, last_lines[-1])


def why_without_mysqlclient() -> str:
    """Install mysqlclient if it is missing; return why that failed, or nothing."""
    importable = [sys.executable, "-c", "import MySQLdb"]
    if subprocess.run(importable, check=False, capture_output=True).returncode == 0:
        return ""
    wanted = [
        requirement.split(";")[0]
        for requirement in metadata.requires("django-opskit") or []
        if re.search(r"extra == .mysql.", requirement)
    ]
    say("Installing mysqlclient, which MariaDB needs ...")
    install = [sys.executable, "-m", "pip", "install", "--quiet", *wanted]
    attempt = subprocess.run(install, check=False, capture_output=True, text=True)
    if attempt.returncode == 0:
        return ""
    errors = [line.strip() for line in attempt.stderr.splitlines() if "error" in line.lower()]
    reason = errors[0] if errors else f"pip ended with {attempt.returncode}"
    return (
        f"mysqlclient could not be installed ({reason}); it needs a C compiler, pkg-config and "
        "the client's headers (Debian: libmariadb-dev)"
    )


def run_everywhere(data_file: Path, pytest_args: Sequence[str]) -> list[Outcome]:
    """Run the suite on SQLite, and on the two servers if they can be used."""
    outcomes = [run_suite("sqlite", data_file, pytest_args)]
    for database, server in (("postgresql", POSTGRESQL), ("mariadb", MARIADB)):
        obstacle = "" if server.answers() else server.how_to_reach()
        if server is MARIADB and not obstacle:
            obstacle = why_without_mysqlclient()
        if obstacle:
            outcomes.append(Outcome(database, None, f"not run: {obstacle}"))
        else:
            outcomes.append(run_suite(database, data_file, pytest_args))
    return outcomes


def judge_coverage(data_file: Path, *, strictly: bool) -> bool:
    """Print the coverage of all runs together, and say whether it is enough."""
    env = {**os.environ, "COVERAGE_FILE": str(data_file)}
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet"], check=False, cwd=ROOT, env=env)
    say("\n=== Coverage with branches, all databases together ===")
    report = [*coverage, "report", *([] if strictly else ["--fail-under=0"])]
    is_enough = subprocess.run(report, check=False, cwd=ROOT, env=env).returncode == 0
    if data_file.exists():
        # Where `coverage html` looks for it.
        shutil.copy(data_file, ROOT / ".coverage")
    return is_enough


def tell(outcomes: Sequence[Outcome], *, judged: bool, is_covered: bool) -> None:
    """Print the closing lines: each database, each server, and the coverage's verdict."""
    say("\n=== Summary ===")
    if not judged:
        say("coverage    not judged: that takes the whole suite on all three databases")
    elif not is_covered:
        say("coverage    BELOW the limit that setup.cfg sets (fail_under)")
    for service in SERVICES:
        word = "answered" if service.answers() else "did not answer"
        say(f"{service.name:<12}{word} at {service.address}")
    for outcome in outcomes:
        say(f"{outcome.database:<12}{outcome.line}")


def required_but_silent() -> list[str]:
    """Return one sentence for each server that must answer and does not."""
    if os.environ.get("OPSKIT_REQUIRE_SERVICES") != "1":
        return []
    return [service.how_to_reach() for service in SERVICES if not service.answers()]


def main(pytest_args: Sequence[str]) -> int:
    """Run everything; return 0 only if all that had to run was good."""
    if complaints := required_but_silent():
        say("OPSKIT_REQUIRE_SERVICES=1, and a server is missing:")
        say("\n".join(complaints))
        return 1
    with tempfile.TemporaryDirectory(prefix="opskit-coverage-") as folder:
        data_file = Path(folder) / ".coverage"
        outcomes = run_everywhere(data_file, pytest_args)
        all_ran = all(outcome.is_complete for outcome in outcomes)
        judged = all_ran and not pytest_args
        is_covered = judge_coverage(data_file, strictly=judged)
    tell(outcomes, judged=judged, is_covered=is_covered)
    is_required = os.environ.get("OPSKIT_REQUIRE_SERVICES") == "1"
    if any(outcome.status for outcome in outcomes) or (is_required and not all_ran):
        return 1
    return 0 if is_covered else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
