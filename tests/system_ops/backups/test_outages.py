"""The server goes in the middle of it, the disk is full: nothing is half there."""

import json
import os
import resource
import subprocess
import sys
from contextlib import suppress

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.utils import timezone

from django_system_ops.exceptions import BackupError
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.making import Order, make_backup
from tests.private_servers import PrivateMariaDB, PrivatePostgreSQL, django_database
from tests.processes import ROOT
from tests.system_ops.backups.sites import fill, make_tables
from tests.system_ops.shop import models as shop

ALIAS = "private"


@pytest.fixture(
    params=[
        pytest.param(PrivatePostgreSQL, marks=pytest.mark.postgresql),
        pytest.param(PrivateMariaDB, marks=pytest.mark.mariadb),
    ],
    ids=lambda kind: kind.name,
)
def server(request, django_db_blocker):
    """A server of the test's own, whose dump does not fit into a pipe."""
    request.param.require()
    private = request.param()
    try:
        private.start()
        with django_db_blocker.unblock(), django_database(private, ALIAS):
            make_tables(ALIAS)
            fill(ALIAS, events=40_000)
            yield private
    finally:
        private.end()


def test_server_that_stops_in_the_middle_of_a_dump_leaves_no_backup(server, key, backups):
    directory = BackupDirectory.opened(backups, create=True)
    order = Order("database", ALIAS)
    old = make_backup(directory, order, key=key, now=timezone.now())

    def stop():
        if server.is_running:
            server.stop()

    with pytest.raises(BackupError, match="dump failed with status") as failed:
        make_backup(directory, order, key=key, now=timezone.now(), check=stop)

    assert directory.ids() == [old.id]
    assert "PASSWORD" not in str(failed.value).upper()


def test_server_that_is_away_is_a_failure(server, key, backups):
    server.stop()
    connections[ALIAS].close()

    with pytest.raises(CommandError) as failed:
        call_command("backup_data", database=ALIAS, type="database", no_lock=True)

    assert failed.value.returncode == 1
    assert [one for one in backups.iterdir() if one.is_dir()] == []


def run_limited(env, *args, limit):
    """Run a command that may write no file that is larger than so many bytes."""
    # What measures coverage would write a file that is cut off, too.
    env = {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(
        [sys.executable, "-m", "django", *args],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


@pytest.mark.parametrize("limit", [40_000, 70_000])
def test_file_that_finds_no_room_leaves_nothing(live, key, live_env, command, backups, limit):
    """A limit of the process stands for a full disk; every disk has it."""
    fill_more(live)
    old = command("backup_data", type="database")["id"]
    connections[live.alias].close()

    done = run_limited(
        live_env, "backup_data", "--type=database", "--no-lock", "--json", limit=limit
    )

    assert done.returncode == 1, done.stderr
    assert str(backups) in json.loads(done.stdout)["error"]
    assert [one.name for one in backups.iterdir() if one.is_dir()] == [old]
    assert not list(backups.rglob("*.part"))
    assert command("restore_backup", old, verify="hash")["ok"] is True


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for very little."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(place)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small file system")
    yield place
    with suppress(subprocess.CalledProcessError):
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_full_disk_is_named_and_the_old_backup_stays(live, key, command, small_disk, configure):
    fill_more(live)
    old = command("backup_data", type="config", output=small_disk)["id"]
    configure(backup={"compression": False})

    for kind in ("database", "all"):
        with pytest.raises(CommandError, match=str(small_disk)) as failed:
            command("backup_data", type=kind, output=small_disk)
        assert failed.value.returncode == 1

    assert [one.name for one in small_disk.iterdir() if one.is_dir()] == [old]
    assert command("restore_backup", old, verify="hash", directory=small_disk)["ok"] is True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_media_that_finds_no_room_leaves_no_backup(live, key, command, small_disk, media):
    for number in range(30):
        (media / f"{number}").write_bytes(os.urandom(5000))

    with pytest.raises(CommandError, match="No room for"):
        command("backup_data", type="media", output=small_disk)

    assert [one.name for one in small_disk.iterdir() if one.is_dir()] == ["objects"]
    assert not list(small_disk.rglob("*.part"))


def fill_more(site):
    """Make the database larger than the limits."""
    shop.Message.objects.using(site.alias).bulk_create(
        shop.Message(chat_id=1, text=os.urandom(200).hex()) for _ in range(400)
    )
