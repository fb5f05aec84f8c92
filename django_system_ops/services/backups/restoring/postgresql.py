"""PostgreSQL databases that come back."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections

from django_opskit.own_connections import close_own, own_connection, own_connections
from django_system_ops.engine.backup_names import before_name, restored_name
from django_system_ops.exceptions import BackupError, WrongUsageError
from django_system_ops.services.backups.logging_in import postgresql_login
from django_system_ops.services.backups.manifests import DatabasePart
from django_system_ops.services.backups.programs import feed, program
from django_system_ops.services.backups.restoring.contents import Contents, contents_of
from django_system_ops.services.backups.restoring.target import Target

__all__ = ["PostgreSQLScratch"]

# NAMEDATALEN - 1; source: PostgreSQL manual, "Identifiers and Key Words".
_LONGEST_NAME = 63
_MAINTENANCE = "postgres"
_ATTEMPTS = 3
# Settings that are lists of names; source: PostgreSQL's variable_is_guc_list_quote().
_LISTS = {
    *("search_path", "temp_tablespaces", "unix_socket_directories"),
    *("local_preload_libraries", "session_preload_libraries", "shared_preload_libraries"),
}


class PostgreSQLScratch:
    """A database of the same server, which is renamed when it is whole."""

    def __init__(self, alias: str, part: DatabasePart, target: Target, workspace: Path) -> None:
        self._alias, self._part, self._target = alias, part, target
        self.name = restored_name(target.backup)
        # A service may know it, and then the settings do not.
        self._live = str(connections[alias].settings_dict["NAME"] or part.name)

    def prepare(self) -> None:
        """Find out whether it can become what it is to become."""
        with self._maintenance() as cursor:
            if self._target.into and _facts(cursor, self._target.into):
                raise WrongUsageError(
                    f"There is a database {self._target.into!r} already: name one that is not."
                )
            if self._target.into_live:
                self._require_alone(cursor)
                if _facts(cursor, self._before):
                    raise BackupError(
                        f"There is a database {self._before!r}: this backup was restored before. "
                        "Rename or drop that database."
                    )

    def load(self, chunks: Iterable[bytes]) -> None:
        """Make it from a dump."""
        self.drop()
        with self._maintenance() as cursor:
            like = _facts(cursor, self._live)
            cursor.execute(f"CREATE DATABASE {self._quoted(self.name)} {_options(like)}")
        with self._connected() as connection:
            login = postgresql_login(connection, self.name)
        command = [program("pg_restore"), "--exit-on-error"]
        if not self._target.with_owners:
            command += ["--no-owner", "--no-privileges"]
        with login as (arguments, environment):
            feed([*command, *arguments], environment, chunks)

    def contents(self) -> Contents:
        """Return what it holds."""
        with self._connected() as connection:
            return contents_of(connection)

    def drop(self) -> None:
        """Remove it."""
        with self._maintenance() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {self._quoted(self.name)}")

    def finish(self) -> str:
        """Make it what it is to become."""
        if not self._target.into and not self._target.into_live:
            self.drop()
            return ""
        with self._maintenance() as cursor:
            if not self._target.into_live or not _facts(cursor, self._live):
                self._rename(cursor, self.name, self._target.into or self._live)
                return ""
            return self._take_place(cursor)

    def _take_place(self, cursor: Any) -> str:
        self._keep_settings(cursor)
        for attempt in range(_ATTEMPTS):
            self._require_alone(cursor)
            if self._target.disconnect_others:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [self._live],
                )
            try:
                self._change_places(cursor)
                break
            except DatabaseError as error:
                # Who was thrown out may come again at once, a thread of ours too.
                if attempt == _ATTEMPTS - 1:
                    raise BackupError(
                        f"The database {self._live!r} stays, since the server said: "
                        f"{' '.join(str(error).split())}"
                    ) from error
        return self._before

    def _change_places(self, cursor: Any) -> None:
        # Both or neither. The server itself refuses where somebody has connected meanwhile, and
        # lets nobody in between the two.
        cursor.execute("BEGIN")
        try:
            self._rename(cursor, self._live, self._before)
            self._rename(cursor, self.name, self._live)
        except DatabaseError:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")

    @property
    def _before(self) -> str:
        return before_name(self._live, self._target.backup, _LONGEST_NAME)

    def _require_alone(self, cursor: Any) -> None:
        """Hang up, and see who else is connected to the live database."""
        connections[self._alias].close()
        ours = [pid for one in own_connections(self._alias) if (pid := _backend_pid(one))]
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = %s AND pid = ANY(%s)",
            [self._live, ours],
        )
        cursor.execute(
            "SELECT pid, usename, application_name, client_addr::text, backend_type"
            " FROM pg_stat_activity WHERE datname = %s ORDER BY pid",
            [self._live],
        )
        # Those that tidy up for the server go when they are asked to.
        others = [row for row in cursor.fetchall() if "autovacuum" not in row[4]]
        if others and not self._target.disconnect_others:
            who = "; ".join(
                f"process {pid} of {user} ({', '.join(filter(None, (name, place or 'local')))})"
                for pid, user, name, place, _ in others
            )
            raise BackupError(
                f"Others are connected to the database {self._live!r}: {who}. Stop them, or throw "
                "them out with --disconnect-others."
            )

    def _keep_settings(self, cursor: Any) -> None:
        """Give it the owner and the settings of the live database, which no dump has."""
        live = _facts(cursor, self._live)
        cursor.execute("SELECT rolname FROM pg_roles WHERE oid = %s", [int(live["datdba"])])
        owner, scratch = cursor.fetchone()[0], self._quoted(self.name)
        if self._target.with_owners:
            cursor.execute(f"ALTER DATABASE {scratch} OWNER TO {self._quoted(owner)}")
        cursor.execute(
            "SELECT r.rolname, s.setconfig FROM pg_db_role_setting s LEFT JOIN pg_roles r"
            " ON r.oid = s.setrole WHERE s.setdatabase = %s",
            [int(live["oid"])],
        )
        for role, words in cursor.fetchall():
            whose = f"ROLE {self._quoted(role)} IN DATABASE" if role else "DATABASE"
            for word in words:
                name, _, value = word.partition("=")
                words_of = _list(value) if name.lower() in _LISTS else _value(value)
                cursor.execute(f"ALTER {whose} {scratch} SET {_names(name)} TO {words_of}")

    def _rename(self, cursor: Any, old: str, new: str) -> None:
        cursor.execute(f"ALTER DATABASE {self._quoted(old)} RENAME TO {self._quoted(new)}")

    @contextmanager
    def _maintenance(self) -> Iterator[Any]:
        """Give a cursor outside of the live database, which may have to make way."""
        with self._connected(_MAINTENANCE) as connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def _connected(self, name: str = "") -> Iterator[Any]:
        connection = own_connection(self._alias)
        connection.settings_dict["NAME"] = name or self.name
        try:
            with connection.cursor() as cursor:
                # What the site sets for its pages is too short for whole tables.
                cursor.execute("SET statement_timeout = 0")
            yield connection
        finally:
            close_own(connection)

    def _quoted(self, name: str) -> str:
        return '"{}"'.format(name.replace('"', '""'))


def _facts(cursor: Any, name: str) -> dict[str, Any]:
    """Return what the server knows about a database; nothing if there is none."""
    # As JSON, since the columns are called otherwise in other versions.
    cursor.execute("SELECT to_jsonb(d)::text, oid FROM pg_database d WHERE datname = %s", [name])
    row = cursor.fetchone()
    return {**json.loads(row[0]), "oid": row[1]} if row else {}


def _options(like: dict[str, Any]) -> str:
    """Return how a database is made that is like another."""
    words = ["TEMPLATE template0"]
    if like:
        words += [
            f"ENCODING {int(like['encoding'])}",
            f"LC_COLLATE {_value(like['datcollate'])}",
            f"LC_CTYPE {_value(like['datctype'])}",
        ]
        icu = like.get("daticulocale") or like.get("datlocale")
        if like.get("datlocprovider") == "i" and icu:
            words += ["LOCALE_PROVIDER icu", f"ICU_LOCALE {_value(icu)}"]
    return " ".join(words)


def _names(setting: str) -> str:
    """Return the name of a setting, which of an extension has two parts."""
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in setting.split("."))


def _list(text: str) -> str:
    found = re.findall(r'"((?:[^"]|"")*)"|([^\s,]+)', text)
    return ", ".join(_value(plain or quoted.replace('""', '"')) for quoted, plain in found) or "''"


def _value(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


def _backend_pid(connection: Any) -> int | None:
    driver = connection.connection
    info = getattr(driver, "info", None)
    return getattr(info, "backend_pid", None)
