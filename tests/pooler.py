"""PgBouncer as a real process before the PostgreSQL that the tests use."""

from typing import Any

import psycopg
import pytest

from tests.private_servers import PrivateServer, find_program

_CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr =
listen_port = 5432
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
default_pool_size = 40
"""


class PgBouncer(PrivateServer):
    """
    A pooler that lets everybody in, as the user whom it is given for the server.

    Args:
        mode: what it shares: ``session`` or ``transaction``.
        place: the server, and the database that it is asked for, as Django's DATABASES has them.
    """

    name = "postgresql"
    # It refuses to be root, and Debian has no user for it alone.
    system_user = "postgres"
    database_user = "anybody"

    def __init__(self, mode: str, place: dict[str, Any]) -> None:
        super().__init__()
        self.place = place
        # An empty value is a syntax error to it.
        words = {name.lower(): place[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
        server = " ".join(f"{word}='{value}'" for word, value in words.items() if value)
        configuration = self.folder / "pgbouncer.ini"
        configuration.write_text(
            _CONFIGURATION.format(server=server, folder=self.folder, mode=mode), encoding="utf-8"
        )
        configuration.chmod(0o644)

    @classmethod
    def missing(cls) -> str:
        """Return which program this machine lacks for it, or nothing."""
        return "" if find_program("pgbouncer") else "no pgbouncer on this machine"

    @classmethod
    def require(cls) -> None:
        """Skip the test where there is no PgBouncer: it is no server that the tests start from."""
        if missing := cls.missing():
            pytest.skip(missing)

    @property
    def host(self) -> str:
        """The folder of the socket."""
        return str(self.folder)

    def environment(self) -> dict[str, str]:
        """Return what tells a process of ours to go through the pooler."""
        return {
            "OPSKIT_POSTGRESQL_HOST": self.host,
            "OPSKIT_POSTGRESQL_PORT": "5432",
            "OPSKIT_POSTGRESQL_USER": self.database_user,
            "OPSKIT_POSTGRESQL_PASSWORD": "",
        }

    def _command(self) -> list[str]:
        program = find_program("pgbouncer")
        assert program is not None, "ask missing() first"
        return [program, f"{self.folder}/pgbouncer.ini"]

    def _answers(self) -> bool:
        try:
            psycopg.connect(
                host=self.host,
                port=5432,
                user=self.database_user,
                dbname=self.place["NAME"],
            ).close()
        except psycopg.OperationalError:
            return False
        return True
