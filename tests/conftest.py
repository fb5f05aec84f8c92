"""What every test may ask for: its database, marks for databases, and real processes."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import TransactionTestCase
from django.utils import translation

from tests import flushing, processes
from tests.packaging.building import build_wheel
from tests.services import MARIADB, POSTGRESQL

DATABASE_MARKS = ("sqlite", "postgresql", "mariadb")
DATABASE_FIXTURES = frozenset(
    {"db", "transactional_db", "live_server", "django_db_setup", "own_database"}
)
DATABASE_SERVERS = {"postgresql": POSTGRESQL, "mariadb": MARIADB}


flushing.install()

# A suite that was started in the background has it ignored, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The suite's own processes are measured; what tests start would take twice its time, and is so
# only where a test asks for `measured`.
MEASURING = ""
if "PYTEST_XDIST_WORKER" in os.environ:
    MEASURING = os.environ.pop("COVERAGE_PROCESS_CONFIG", "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Skip what cannot be shown on the database in use, with the reason; mark what is slow.

    A test that asks for no database is the same on every one: the run on SQLite has it, and the
    runs on servers leave it out.
    """
    database = settings.DATABASE
    if database in DATABASE_SERVERS:
        without = [item for item in items if not uses_database(item)]
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if uses_database(item)]
    for item in items:
        marks = [name for name in DATABASE_MARKS if item.get_closest_marker(name)]
        if marks and database not in marks:
            reason = f"only for {' and '.join(marks)}, and this run is on {database}"
            item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(0))
        if "process_env" in getattr(item, "fixturenames", ()):
            item.add_marker("processes")
        if item.get_closest_marker("packaging") and database != "sqlite":
            reason = "the package is the same on every database: tested in the run on sqlite"
            item.add_marker(pytest.mark.skip(reason=reason))


def uses_database(item: pytest.Item) -> bool:
    """Say whether the database in use has a part in a test."""
    if issubclass(getattr(item, "cls", None) or object, TransactionTestCase):
        return True
    asks = DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    return bool(asks) or any(
        item.get_closest_marker(name) for name in ("django_db", "postgresql", "mariadb")
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the database that the results hold for."""
    server = DATABASE_SERVERS.get(settings.DATABASE)
    place = f" at {server.address}" if server else ""
    terminalreporter.write_line(f"database: {settings.DATABASE}{place}")


@pytest.fixture(autouse=True)
def no_language() -> Iterator[None]:
    """Forget the language of the last page: LocaleMiddleware leaves it to the next request."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """
    Name the test database, after pytest-django's hook for that.

    SQLite gets a file, where Django would take memory: real worker processes share it. On the
    servers the name holds this process's number, so that two runs at once do not meet.
    """
    database = settings.DATABASES["default"]
    test = database.setdefault("TEST", {})
    server = DATABASE_SERVERS.get(settings.DATABASE)
    if server is None:
        test["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    elif not server.answers():
        pytest.exit(server.how_to_reach(), returncode=1)
    elif not request.config.getoption("reuse_db"):
        test["NAME"] = f"test_{database['NAME']}_{os.getpid()}"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for by tests whose processes do what no other test shows; on SQLite, for all."""
    if MEASURING and settings.DATABASE == "sqlite":
        monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", MEASURING)


@pytest.fixture
def own_database() -> None:
    """Asked for by what makes a database of its own on the server in use."""


@pytest.fixture
def process_env(transactional_db: None) -> dict[str, str]:
    """The environment in which another process finds this test's database."""
    return processes.environment()


@pytest.fixture
def django_processes(process_env: dict[str, str]) -> Iterator[processes.Processes]:
    """Starts Django commands in real processes; none outlives the test."""
    started = processes.Processes(process_env)
    yield started
    started.end()


@pytest.fixture
def manage(
    django_processes: processes.Processes,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m django <args>` in a real process, and return how it ended."""
    return django_processes.run


@pytest.fixture
def spawn(django_processes: processes.Processes) -> Callable[..., subprocess.Popen[str]]:
    """Start `python -m django <args>` in a real process, killed after the test if need be."""
    return django_processes.spawn


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel: the one that OPSKIT_WHEEL names, or one built from the sources as they are."""
    if named := os.environ.get("OPSKIT_WHEEL"):
        return Path(named)
    return build_wheel(tmp_path_factory.mktemp("wheel"))
