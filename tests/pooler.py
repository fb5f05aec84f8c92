"""PgBouncer as a real process before the PostgreSQL that the tests use."""

from typing import Any

from tests.private_servers import PostgreSQLSocket, missing_programs, program_path

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


class PgBouncer(PostgreSQLSocket):
    """
    A pooler that lets everybody in, as the user whom it is given for the server.

    Args:
        mode: how long a client keeps a session: ``session`` or ``transaction``.
        place: the server and the database behind it, as Django's DATABASES has them.
    """

    database_user = "anybody"

    def __init__(self, mode: str, place: dict[str, Any]) -> None:
        super().__init__()
        self.database = place["NAME"]
        # An empty value is a syntax error to it.
        words = {name.lower(): place[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
        server = " ".join(f"{word}='{value}'" for word, value in words.items() if value)
        self._configuration = self.folder / "pgbouncer.ini"
        self._configuration.write_text(
            _CONFIGURATION.format(server=server, folder=self.folder, mode=mode), encoding="utf-8"
        )

    @classmethod
    def missing(cls) -> str:
        """Return which program this machine lacks for it, or nothing."""
        return missing_programs("pgbouncer")

    def _command(self) -> list[str]:
        return [program_path("pgbouncer"), str(self._configuration)]
