"""How the databases' own programs get in: as Django does, with the password in a private file."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from django_system_ops.exceptions import BackupError

__all__ = ["mysql_arguments", "postgresql_login"]

# What Django and psycopg add to the parameters that libpq knows.
_NOT_LIBPQ = {
    *("client_encoding", "context", "cursor_factory", "prepare_threshold", "autocommit"),
    *("password", "row_factory", "connection_factory"),
}
_MYSQL_SSL = {"ca": "ssl-ca", "cert": "ssl-cert", "key": "ssl-key", "cipher": "ssl-cipher"}


@contextmanager
def postgresql_login(
    connection: BaseDatabaseWrapper, database: str
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """
    Give the arguments and the environment with which a PostgreSQL program reaches ``database``.

    The password stands in a file of mode 0600 that is gone after the block. Without one in the
    settings, libpq looks for it where it always does.

    Raises:
        BackupError: a password cannot be given that way.
    """
    raw: Any = connection
    parameters = {**raw.get_connection_params(), "dbname": database}
    password = parameters.get("password")
    if parameters.get("sslpassword"):
        raise BackupError(
            "OPTIONS has an sslpassword, which pg_dump could only be told where everybody can "
            "read it. Use a client key without a passphrase, readable by its owner alone."
        )
    words = {
        name: str(value)
        for name, value in parameters.items()
        if name not in _NOT_LIBPQ and value not in (None, "")
    }
    arguments = ["--no-password", f"--dbname={_conninfo(words)}"]
    if role := raw.settings_dict.get("OPTIONS", {}).get("assume_role"):
        arguments.append(f"--role={role}")
    if not password:
        yield arguments, {}
        return
    if re.search(r"[\n\0]", str(password)):
        raise BackupError("The database's password has a line break, which no password file can.")
    escaped = re.sub(r"([\\:])", r"\\\1", str(password))
    with _private_file(f"*:*:*:*:{escaped}\n") as path:
        yield arguments, {"PGPASSFILE": str(path)}


@contextmanager
def mysql_arguments(connection: BaseDatabaseWrapper) -> Iterator[list[str]]:
    """Give the first argument of a MySQL program: a private file, gone after the block."""
    raw: Any = connection
    parameters = raw.get_connection_params()
    words = {
        "user": parameters.get("user"),
        "password": parameters.get("password", parameters.get("passwd")),
        "host": parameters.get("host"),
        "port": parameters.get("port"),
        "socket": parameters.get("unix_socket"),
        "default-character-set": parameters.get("charset") or "utf8mb4",
        **_ssl(parameters),
    }
    lines = [f"{name}={_option(value)}" for name, value in words.items() if value not in (None, "")]
    if own := parameters.get("read_default_file"):
        lines.insert(0, f"!include {own}")
    with _private_file("\n".join(["[client]", *lines, ""])) as path:
        yield [f"--defaults-extra-file={path}"]


def _ssl(parameters: Mapping[str, Any]) -> dict[str, Any]:
    ssl = parameters.get("ssl") or {}
    return {ours: ssl.get(theirs) for theirs, ours in _MYSQL_SSL.items()} if ssl else {}


def _conninfo(words: Mapping[str, str]) -> str:
    """Return a connection string; source: PostgreSQL manual, "Connection Strings"."""
    quoted = {name: re.sub(r"(['\\])", r"\\\1", value) for name, value in words.items()}
    return " ".join(f"{name}='{value}'" for name, value in quoted.items())


def _option(value: object) -> str:
    """Return a value of an option file; source: MySQL manual, "Using Option Files"."""
    text = str(value)
    if "\0" in text:
        raise BackupError("The database's password has a zero byte, which no option file can.")
    for sign, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(sign, escape)
    return f'"{text}"'


@contextmanager
def _private_file(text: str) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix="ops-login-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
