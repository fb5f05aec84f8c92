"""Database servers of a test's own: it may stop and kill them, and start them again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
from django.db import connections

__all__ = ["PrivateMariaDB", "PrivatePostgreSQL", "PrivateServer", "django_database"]


class PrivateServer:
    """
    A database server with a folder of its own, reached through a Unix socket in it.

    The folder is not below pytest's tmp_path, which is closed to other users: both servers
    refuse to be root, so a test that is root starts them as the user whom the package made.
    """

    #: As in the variables OPSKIT_<NAME>_HOST and so on, and as in OPSKIT_DATABASE.
    name: ClassVar[str]
    system_user: ClassVar[str]
    database_user: ClassVar[str]
    database: str

    def __init__(self, *options: str) -> None:
        self.options = options
        # Short, since the path of a socket has to fit into 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="opskit"))
        self.log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.system_user, self.system_user)
            self._as_user = {
                "user": self.system_user,
                "group": self.system_user,
                "extra_groups": (),
            }

    @classmethod
    def missing(cls) -> str:
        """Return which program this machine lacks for it, or nothing."""
        raise NotImplementedError

    @classmethod
    def require(cls) -> None:
        """Skip the test where the server's programs are not here; fail where they have to be."""
        if missing := cls.missing():
            if os.environ.get("OPSKIT_REQUIRE_SERVICES") == "1":
                pytest.fail(f"OPSKIT_REQUIRE_SERVICES=1, and {missing}")
            pytest.skip(missing)

    @property
    def host(self) -> str:
        """What stands in DATABASES as HOST: the way to the socket."""
        raise NotImplementedError

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    def environment(self) -> dict[str, str]:
        """Return what tells a process of ours (see tests.settings) to use this server."""
        prefix = f"OPSKIT_{self.name.upper()}"
        return {
            "OPSKIT_DATABASE": self.name,
            "OPSKIT_DB_NAME": self.database,
            f"{prefix}_HOST": self.host,
            f"{prefix}_USER": self.database_user,
            f"{prefix}_PASSWORD": "",
        }

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        self._process = self._popen(self._command())
        deadline = time.monotonic() + 30
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """End the server as a crash would: nobody is waited for and nothing is tidied up."""
        if self._process is not None:
            self._process.send_signal(self._crash())
            self._process.wait(30)
            self._process = None

    def end(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder)

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _crash(self) -> signal.Signals:
        return signal.SIGKILL

    def _popen(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C at the tests is not meant for the server.
            return subprocess.Popen(
                command,
                start_new_session=True,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self._as_user,
            )

    def _set_up(self, command: Sequence[str]) -> None:
        if self._popen(command).wait(120):
            raise RuntimeError(f"{self.name} could not be set up:\n{self.log.read_text()}")


class PostgreSQLSocket(PrivateServer):
    """What is spoken to as PostgreSQL is, through a socket in its folder."""

    name = "postgresql"
    system_user = "postgres"

    @property
    def host(self) -> str:
        """The folder of the socket."""
        return str(self.folder)

    def environment(self) -> dict[str, str]:
        """Return what tells a process of ours (see tests.settings) to use this server."""
        return {**super().environment(), "OPSKIT_POSTGRESQL_PORT": "5432"}

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(
                host=self.host, port=5432, user=self.database_user, dbname=self.database
            ).close()
        except psycopg.OperationalError:
            return False
        return True


class PrivatePostgreSQL(PostgreSQLSocket):
    """PostgreSQL; everybody on the machine is let in as superuser."""

    database_user = "postgres"
    database = "postgres"

    def __init__(self, *options: str) -> None:
        super().__init__(*options)
        initdb = [program_path("initdb"), "--pgdata", f"{self.folder}/data", "--username=postgres"]
        self._set_up([*initdb, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"])

    @classmethod
    def missing(cls) -> str:
        """Return which program this machine lacks for it, or nothing."""
        return missing_programs("initdb", "postgres")

    def _command(self) -> list[str]:
        # Nobody pulls the plug here: a crash of the server alone loses nothing without fsync.
        fixed = ("listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off")
        options = [part for option in (*fixed, *self.options) for part in ("-c", option)]
        return [program_path("postgres"), "-D", f"{self.folder}/data", "-p", "5432", *options]

    def _crash(self) -> signal.Signals:
        # "Immediate Shutdown" (manual, "Shutting Down the Server"): it recovers at the next
        # start. SIGKILL would leave its children behind.
        return signal.SIGQUIT


class PrivateMariaDB(PrivateServer):
    """MariaDB; root has no password."""

    name = "mariadb"
    system_user = "mysql"
    database_user = "root"
    database = "opskit"

    def __init__(self, *options: str) -> None:
        super().__init__(*options)
        install = [
            program_path("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={self.folder}/data",
            f"--tmpdir={self.folder}",
        ]
        self._set_up([*install, "--auth-root-authentication-method=normal", "--skip-test-db"])

    @classmethod
    def missing(cls) -> str:
        """Return which program this machine lacks for it, or nothing."""
        return missing_programs("mariadb-install-db", "mariadbd")

    @property
    def host(self) -> str:
        """The socket itself."""
        return f"{self.folder}/socket"

    def start(self) -> Self:
        """Start the server, wait until it answers and make the database if there is none."""
        super().start()
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {self.database} CHARACTER SET utf8mb4")
        return self

    def _command(self) -> list[str]:
        fixed = (f"--datadir={self.folder}/data", f"--socket={self.host}", "--skip-networking")
        # A server that starts removes what another has in the same directory of temporary tables.
        own = (f"--pid-file={self.folder}/pid", f"--tmpdir={self.folder}/data")
        return [program_path("mariadbd"), "--no-defaults", *fixed, *own, *self.options]

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except self._driver().OperationalError:
            return False
        return True

    def _connect(self) -> Any:
        return self._driver().connect(unix_socket=self.host, user=self.database_user)

    @staticmethod
    def _driver() -> Any:
        # Only here: a machine without MariaDB has no driver for it either.
        return import_module("MySQLdb")


@contextmanager
def django_database(server: PrivateServer, alias: str, *, name: str = "") -> Iterator[str]:
    """Make a database of ``server`` the Django database ``alias`` of this process."""
    place = {"NAME": name or server.database, "HOST": server.host, "PORT": ""}
    user = {"USER": server.database_user, "PASSWORD": ""}
    connections.settings[alias] = {**connections.settings["default"], **place, **user}
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def missing_programs(*programs: str) -> str:
    """Return which of these programs this machine lacks, or nothing."""
    lacking = [program for program in programs if not _find(program)]
    return f"no {' and no '.join(lacking)} on this machine" if lacking else ""


def program_path(name: str) -> str:
    """Return the path of a program that is here."""
    found = _find(name)
    assert found is not None, f"{name} is missing: ask missing() first"
    return found


def _find(program: str) -> str | None:
    """Return the path of a server's program, which is often outside of PATH."""
    # Debian keeps one folder per version of PostgreSQL; the newest comes first.
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(folders, key=lambda folder: float(folder.parent.name), reverse=True)
    path = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *map(str, newest_first)]
    return shutil.which(program, path=os.pathsep.join(path))
