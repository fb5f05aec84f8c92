"""What every test may ask for: its database, marks for databases, and real processes."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from tests import processes
from tests.packaging.building import build_wheel
from tests.services import MARIADB, POSTGRESQL

DATABASE_MARKS = ("sqlite", "postgresql", "mariadb")
DATABASE_SERVERS = {"postgresql": POSTGRESQL, "mariadb": MARIADB}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot be shown on the database in use, with the reason."""
    database = settings.DATABASE
    for item in items:
        marks = [name for name in DATABASE_MARKS if item.get_closest_marker(name)]
        if marks and database not in marks:
            reason = f"only for {' and '.join(marks)}, and this run is on {database}"
            item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("packaging") and database != "sqlite":
            reason = "the package is the same on every database: tested in the run on sqlite"
            item.add_marker(pytest.mark.skip(reason=reason))


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
