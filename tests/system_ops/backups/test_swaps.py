"""Who is in the way when a backup takes the place of the live database."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management.base import CommandError
from django.db import connections
from django.utils import timezone

from django_opskit.own_connections import close_own, own_connection
from django_system_ops.models import CommandRun
from django_system_ops.sealing import StoredFile
from django_system_ops.services.backups.manifests import DatabasePart
from django_system_ops.services.backups.restoring.contents import Contents, differences
from django_system_ops.services.backups.restoring.media import MediaScratch
from tests.system_ops.backups.conftest import before_of
from tests.system_ops.backups.sites import create_database, drop_database
from tests.system_ops.shop import models as shop


@pytest.fixture
def stranger(live):
    """Another connection to the live database."""
    connection = own_connection(live.alias)
    connection.alias = "stranger"  # not known as ours
    connection.ensure_connection()
    yield connection
    close_own(connection)


@pytest.mark.postgresql
def test_others_are_named_and_stay_connected(live, key, command, stranger):
    was = live.rows
    made = command("backup_data", type="database")

    with pytest.raises(CommandError, match="Others are connected") as refused:
        command("restore_backup", made["id"], into_live=True)

    assert f"process {stranger.connection.info.backend_pid} of postgres" in str(refused.value)
    assert (live.rows, live.databases()) == (was, [live.name])


@pytest.mark.postgresql
def test_option_disconnect_others_throws_them_out(live, key, command, stranger):
    was = live.rows
    made = command("backup_data", type="database")

    done = command("restore_backup", made["id"], into_live=True, disconnect_others=True)

    assert live.rows == was
    assert done["kept_as"] == before_of(live, made["id"])


@pytest.mark.postgresql
def test_owner_and_settings_of_the_database_are_kept(live, key, command):
    made = command("backup_data", type="database")
    with connections[live.alias].cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {live.name} SET work_mem TO '7MB'")
        cursor.execute(f"""ALTER DATABASE {live.name} SET search_path TO "$user", public""")
        cursor.execute(f"ALTER ROLE postgres IN DATABASE {live.name} SET my.own TO 'it''s'")

    command("restore_backup", made["id"], into_live=True)

    with connections[live.alias].cursor() as cursor:
        cursor.execute("SELECT current_setting('work_mem'), current_setting('search_path')")
        assert cursor.fetchone() == ("7MB", '"$user", public')
        cursor.execute("SELECT current_setting('my.own')")
        assert cursor.fetchone() == ("it's",)


@pytest.mark.postgresql
def test_option_no_owner_leaves_owners_aside(live, key, command, aside):
    made = command("backup_data", type="database")

    done = command("restore_backup", made["id"], into=aside, no_owner=True)

    assert done["rows"] > 0


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("CREATE VIEW names AS SELECT name FROM shop_tag", "views"),
        ("CREATE TRIGGER t BEFORE INSERT ON shop_tag FOR EACH ROW SET @a = 1", "triggers"),
        ("CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1", "routines"),
    ],
)
def test_what_is_no_table_is_refused_in_place_and_restored_beside(
    live, key, command, aside, statement, what
):
    with connections[live.alias].cursor() as cursor:
        cursor.execute(statement)
    made = command("backup_data", type="database")

    with pytest.raises(CommandError, match=f"has {what} .*--into NAME"):
        command("restore_backup", made["id"], into_live=True)
    command("restore_backup", made["id"], into=aside)

    assert live.rows_in(aside) == live.rows


@pytest.mark.sqlite
def test_process_that_has_the_file_open_is_named(live, key, command):
    made = command("backup_data", type="database")
    source = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('SELECT 1 FROM shop_tag'); print(1, flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", source, live.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        other.stdout.readline()
        was = live.rows

        with pytest.raises(CommandError, match=f"is open in process {other.pid}"):
            command("restore_backup", made["id"], into_live=True)
    finally:
        other.kill()
        with other:
            pass

    assert (live.rows, live.databases()) == (was, ["site.sqlite3"])


@pytest.mark.sqlite
def test_log_of_the_old_file_is_not_taken_for_the_new_ones(live, key, command):
    """Rows that are only in the write-ahead log when the files change places."""
    was = live.rows
    made = command("backup_data", type="database")
    with connections[live.alias].cursor() as cursor:
        cursor.execute("PRAGMA wal_autocheckpoint=0")
    shop.Message.objects.using(live.alias).update(text="later")
    later = live.rows
    assert Path(f"{live.name}-wal").stat().st_size > 0

    done = command("restore_backup", made["id"], into_live=True)

    assert live.rows == was
    assert live.rows_in(done["kept_as"]) == later


@pytest.mark.sqlite
def test_mode_of_the_file_stays(live, key, command):
    made = command("backup_data", type="database")
    Path(live.name).chmod(0o660)

    command("restore_backup", made["id"], into_live=True)

    assert Path(live.name).stat().st_mode & 0o777 == 0o660


@pytest.mark.sqlite
def test_damaged_database_makes_way_and_is_kept(live, key, command):
    was = live.rows
    made = command("backup_data", type="database")
    connections[live.alias].close()
    for ending in ("-wal", "-shm"):
        Path(live.name + ending).unlink(missing_ok=True)
    Path(live.name).write_bytes(b"this was a database once" * 500)

    done = command("restore_backup", made["id"], into_live=True)

    assert live.rows == was
    assert Path(done["kept_as"]).read_bytes().startswith(b"this was a database")


def test_same_backup_does_not_overwrite_what_was_kept_before(live, key, command):
    made = command("backup_data", type="database")
    command("restore_backup", made["id"], into_live=True)
    was = live.rows

    with pytest.raises(CommandError, match="restored before"):
        command("restore_backup", made["id"], into_live=True)

    assert live.rows == was


@pytest.mark.mariadb
def test_database_with_a_procedure_is_not_taken_for_none(live, key, command, aside):
    made = command("backup_data", type="database")
    create_database(aside)
    command("restore_backup", made["id"], into=aside)
    drop_database(aside)
    create_database(aside)
    with connections[live.alias].cursor() as cursor:
        cursor.execute(f"CREATE PROCEDURE {aside}.p() SELECT 1")

    with pytest.raises(CommandError, match="already"):
        command("restore_backup", made["id"], into=aside)


@pytest.mark.postgresql
def test_short_patience_of_the_site_is_not_that_of_a_restore(live, key, command, aside):
    connections[live.alias].close()
    own = connections.settings[live.alias]
    options = {**own.get("OPTIONS", {}), "options": "-c statement_timeout=2"}
    connections.settings[live.alias] = {**own, "OPTIONS": options}
    del connections[live.alias]

    made = command("backup_data", type="database", verify="restore")

    assert made["verified"]["problems"] == []


def test_media_that_cannot_be_put_in_place_leave_the_live_database(
    live, key, command, media, tmp_path, monkeypatch
):
    made = command("backup_data", type="incremental")
    shop.Message.objects.using(live.alias).update(text="later")
    was = live.rows

    def full(_self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MediaScratch, "finish", full)
    with pytest.raises(CommandError, match="No space left"):
        command("restore_backup", made["id"], into_live=True, media_to=tmp_path / "restored")

    assert live.rows == was
    assert not (tmp_path / "restored").exists()


def test_backup_of_another_database_is_not_put_in_a_place(live, key, command):
    made = command("backup_data", type="database")

    with pytest.raises(CommandError, match="There is no whole backup of the database 'default'"):
        command("restore_backup", "latest", into_live=True, database="default")
    with pytest.raises(CommandError, match="is of the database 'live'") as found:
        command("restore_backup", made["id"], into_live=True, database="default")

    assert found.value.returncode == 2


def test_counts_of_mariadb_are_no_bounds_of_what_comes_and_goes():
    part = DatabasePart(
        alias="x",
        vendor="mysql",
        name="x",
        server_version="",
        tools={},
        rows={"sessions": 0, "users": 5, "moved": 3},
        rows_after={"moved": 9},
        migrations=[],
        file=StoredFile("x", 1, "", 1, ""),
    )

    assert list(differences(part, Contents({"sessions": 3, "users": 4, "moved": 1}, ()))) == []
    assert list(differences(part, Contents({"sessions": 3, "users": 0, "moved": 0}, ()))) == [
        "Table moved is empty, and had at least 3 rows.",
        "Table users is empty, and had at least 5 rows.",
    ]


def test_run_that_made_the_backup_is_no_lost_one_in_it(live, key, command):
    with connections[live.alias].schema_editor() as editor:
        editor.create_model(CommandRun)
    runs = CommandRun.objects.using(live.alias)
    began = {"name": "backup_data", "started_at": timezone.now(), "status": "RUNNING"}
    runs.create(run_id=uuid4(), **began)
    over = runs.create(run_id=uuid4(), **{**began, "status": "FAILED"})
    made = command("backup_data", type="database")
    runs.all().delete()

    command("restore_backup", made["id"], into_live=True)

    closed, other = runs.order_by("pk")
    assert (closed.status, made["id"] in closed.error) == ("STOPPED", True)
    assert (other.pk, other.status) == (over.pk, "FAILED")
