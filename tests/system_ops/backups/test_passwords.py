"""The database's password is in no argument, no output and no manifest, and it works."""

import shutil

import pytest
from django.core.management.base import CommandError
from django.db import connections

from tests.private_servers import PrivateMariaDB, PrivatePostgreSQL, django_database
from tests.system_ops.backups.sites import fill, make_tables

ALIAS = "private"
PASSWORD = "p\\a:s's\" w#o%r=d;ż$`"
PROGRAMS = {
    "postgresql": ("pg_dump", "pg_restore"),
    "mariadb": ("mariadb-dump", "mariadb"),
}


class PostgreSQLWithPasswords(PrivatePostgreSQL):
    """Lets in its superuser, and others with their passwords."""

    def __init__(self):
        super().__init__()
        lines = "local all postgres trust\nlocal all all scram-sha-256\n"
        (self.folder / "data" / "pg_hba.conf").write_text(lines)

    def add_user(self, cursor):
        cursor.execute(f"CREATE ROLE ops SUPERUSER LOGIN PASSWORD $q${PASSWORD}$q$")


class MariaDBWithPasswords(PrivateMariaDB):
    """Lets in others with their passwords too."""

    def add_user(self, cursor):
        cursor.execute("CREATE USER ops@localhost IDENTIFIED BY %s", [PASSWORD])
        cursor.execute("GRANT ALL ON *.* TO ops@localhost")


@pytest.fixture(
    params=[
        pytest.param(PostgreSQLWithPasswords, marks=pytest.mark.postgresql),
        pytest.param(MariaDBWithPasswords, marks=pytest.mark.mariadb),
    ],
    ids=lambda kind: kind.name,
)
def server(request, django_db_blocker):
    request.param.require()
    private = request.param()
    try:
        private.start()
        with django_db_blocker.unblock():
            with django_database(private, "admin"), connections["admin"].cursor() as cursor:
                private.add_user(cursor)
            private.database_user = "ops"
            with django_database(private, ALIAS):
                connections.settings[ALIAS]["PASSWORD"] = PASSWORD
                make_tables(ALIAS)
                fill(ALIAS)
                yield private
    finally:
        private.end()


@pytest.fixture
def spied(server, tmp_path, configure):
    """Wrap the server's programs in scripts that write down what they are told."""
    log, paths = tmp_path / "told", {}
    for name in PROGRAMS[server.name]:
        script = tmp_path / name
        real = shutil.which(name)
        script.write_text(f'#!/bin/sh\n{{ echo "$0" "$@"; env; }} >> {log}\nexec {real} "$@"\n')
        script.chmod(0o700)
        paths[name] = str(script)
    configure(backup={"programs": paths})
    return log


def test_password_is_in_no_argument_no_variable_and_no_file_of_the_backup(
    server, spied, key, backups, run_live
):
    made, output = run_live("backup_data", type="all", database=ALIAS)
    _, more = run_live("restore_backup", made["id"], into="aside")

    told = spied.read_text()
    assert told.count("--version") == 1
    assert len([line for line in told.splitlines() if line.startswith("/")]) == 3
    written = [path.read_bytes() for path in (backups / made["id"]).iterdir()]
    for secret in (PASSWORD, PASSWORD[:6], PASSWORD[-6:]):
        assert secret not in told
        assert secret not in output + more
        assert not any(secret.encode() in data for data in written)


def test_wrong_password_is_told_without_it(server, spied, key, run_live):
    made, _ = run_live("backup_data", type="database", database=ALIAS)
    connections[ALIAS].close()
    connections.settings[ALIAS]["PASSWORD"] = "wrong-one"
    connections[ALIAS].settings_dict["PASSWORD"] = "wrong-one"

    with pytest.raises(CommandError) as failed:
        run_live("restore_backup", made["id"], into="aside")

    assert "wrong-one" not in str(failed.value)


@pytest.fixture
def run_live():
    """Run a command with --json; return its document and all that it wrote."""
    import io
    import json

    from django.core.management import call_command

    def run(name, *args, **options):
        stdout, stderr = io.StringIO(), io.StringIO()
        lock = {"no_lock": True} if name == "backup_data" else {}
        call_command(name, *args, json=True, stdout=stdout, stderr=stderr, **lock, **options)
        return json.loads(stdout.getvalue()), stdout.getvalue() + stderr.getvalue()

    return run
