"""Backups in a repository of restic: the real program, and real repositories."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from django.core.management.base import CommandError
from django.db import connections

from django_system_ops.checks.backup import check_backup
from django_system_ops.conf import get_conf
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.making import Order
from django_system_ops.services.backups.restic.deposits import Deposits, site_name
from django_system_ops.services.backups.restic.making import make_deposit
from django_system_ops.services.backups.restic.repository import Repository
from tests.processes import django_command
from tests.system_ops.backups.test_commands import run, said
from tests.system_ops.backups.test_media import tree
from tests.system_ops.backups.test_tenants import MODELS

pytestmark = pytest.mark.skipif(not shutil.which("restic"), reason="restic is not here")


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "restic.password"
    path.write_text("correct horse battery\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def restic(tmp_path, password, monkeypatch):
    """Run restic by hand on the repository of the test, and return what it says."""
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))

    def call(*args, given=b""):
        env = {
            **os.environ,
            "RESTIC_REPOSITORY": str(tmp_path / "repository"),
            "RESTIC_PASSWORD_FILE": str(password),
        }
        return subprocess.run(
            ["restic", *args], env=env, check=True, capture_output=True, input=given
        ).stdout

    return call


@pytest.fixture
def restic_settings(tmp_path, password):
    place = str(tmp_path / "repository")
    return {"repository": place, "password_file": str(password), "site": "shop"}


@pytest.fixture
def repository(restic, restic_settings, tmp_path, configure):
    restic("init")
    configure(backup={"restic": restic_settings})
    return tmp_path / "repository"


def snapshots(restic):
    return json.loads(restic("snapshots", "--json")) or []


def contents_of(root):
    return {path: content for path, (content, _) in tree(root).items()}


def deposits():
    return Deposits(Repository.configured())


def test_everything_comes_back(repository, live, command, media, aside, tmp_path, backups):
    was = live.rows
    (media / "link").symlink_to("letter.txt")

    made = command("backup_data", type="all", verify="restore")
    restored = command(
        "restore_backup", "latest", into=aside, database=live.alias, media_to=tmp_path / "again"
    )

    assert made["verified"] == {"how": "restore", "problems": []}
    assert live.rows_in(aside) == was
    (media / "link").unlink()
    # An archive has whole seconds: the times are not quite the same.
    assert contents_of(tmp_path / "again") == contents_of(media)
    assert restored["media"] == 4
    assert made["manifest"]["media"]["skipped"] == ["link: a symbolic link"]
    # What a run needed beside the repository is gone.
    assert [one.name for one in backups.iterdir()] == [".lock"]


def test_second_backup_stores_what_is_new(repository, media):
    run(type="media")
    (media / "new.txt").write_bytes(os.urandom(100_000))

    second = run(type="media")

    listing = second["manifest"]["media"]
    assert (listing["files"], listing["new_files"]) == (5, 1)
    assert 100_000 < listing["new_bytes"] < 150_000
    assert "5 files" in (third := said(type="media"))
    assert "0 are new" in third


def test_list_tells_what_there_is(repository, media):
    assert "There are no backups." in said(list=True)
    made = run(verify="hash")
    other = run(type="media")

    found = run(list=True)["backups"]

    assert [(one["id"], one["type"], one["parts"], one["verified"]) for one in found] == [
        (made["id"], "config", ["config"], "hash"),
        (other["id"], "media", ["media"], "no"),
    ]
    assert other["id"] in said(list=True)


def test_sites_that_share_a_repository_keep_apart(
    repository, restic_settings, configure, live, command, aside
):
    theirs = command("backup_data", type="database")["id"]
    configure(backup={"restic": {**restic_settings, "site": "ours"}})

    assert run(list=True)["backups"] == []
    assert "1 more are of other sites" in said(list=True)
    with pytest.raises(CommandError, match="no backup with database in it of the site 'ours'"):
        run("restore_backup", "latest", into=aside)
    with pytest.raises(CommandError, match="of the site 'shop', and this is 'ours'"):
        run("restore_backup", theirs, into_live=True)
    run()
    run(prune=True, keep=1)

    # By its id it is to be had, and it is still there.
    run("restore_backup", theirs, into=aside)
    assert live.rows_in(aside) == live.rows


def test_site_is_called_after_its_settings_and_its_database(restic_settings, configure):
    configure(backup={"restic": {**restic_settings, "site": ""}})

    assert site_name() == f"tests {connections['default'].settings_dict['NAME']}"


def test_nothing_is_there_after_a_dump_that_failed(
    repository, restic, live, command, configure, tmp_path
):
    directory = BackupDirectory.opened(tmp_path / "backups", create=True)
    calls = []

    def stop_in_the_dump():
        calls.append(1)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        make_deposit(
            deposits(),
            directory,
            Order("database", live.alias),
            now=datetime.now(UTC),
            check=stop_in_the_dump,
        )

    assert calls
    assert snapshots(restic) == []
    assert [one.name for one in directory.path.iterdir()] == []
    # Nobody is kept out.
    run()
    assert run(prune=True, keep=1)["removed"] == []


def test_who_needs_the_repository_alone_waits_for_those_in_it(repository, restic_settings):
    made = run()
    env = {
        **os.environ,
        "RESTIC_REPOSITORY": restic_settings["repository"],
        "RESTIC_PASSWORD_FILE": restic_settings["password_file"],
    }
    arguments = ["restic", "backup", "--stdin", "--stdin-filename", "slow"]
    with subprocess.Popen(
        arguments, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as other:
        while not list(repository.glob("locks/*")):
            time.sleep(0.01)
        threading.Timer(3, other.communicate, args=[b"x"]).start()

        assert run("restore_backup", made["id"], verify="hash")["ok"]

        assert other.wait() == 0


def is_storing(process):
    """Say whether a command has given restic something to store."""
    assert process.poll() is None, process.stderr.read()
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children()
        return any("backup" in one.cmdline() for one in children)
    return False


@pytest.mark.django_db(transaction=True)
def test_killed_backup_is_none_and_the_next_one_is_whole(repository, live, live_env, command):
    arguments = django_command(("backup_data", "--type=database", "--no-record"))
    with subprocess.Popen(arguments, env=live_env, stderr=subprocess.PIPE) as process:
        # For half a second restic makes its key, and has read nothing yet of the dump.
        while not is_storing(process):
            time.sleep(0.01)
        process.kill()

    assert process.returncode == -signal.SIGKILL
    assert run(list=True)["backups"] == []
    made = command("backup_data", type="database", verify="restore")

    assert made["verified"]["problems"] == []
    assert [one["id"] for one in run(list=True)["backups"]] == [made["id"]]


def test_halves_and_old_ones_go_and_the_last_verified_one_stays(repository, restic, configure):
    half = f"{datetime.now(UTC) - timedelta(days=3):%Y%m%dT%H%M%SZ}-0123abcd"
    restic(
        "backup", "--stdin", "--stdin-filename", "x.sql", f"--tag=django-opskit,{half}", given=b"x"
    )
    restic("backup", "--stdin", "--stdin-filename", "y.sql", "--tag=others", given=b"y")
    verified, middle, newest = run(verify="hash")["id"], run()["id"], run()["id"]

    plan = said(prune=True, keep=1, dry_run=True)
    assert len(run(list=True)["backups"]) == 3
    done = run(prune=True, keep=1)

    assert f"Would remove {middle}" in plan
    # The half was old enough for the first backup to take it along.
    assert (done["removed"], done["removed_unfinished"]) == ([middle], [])
    assert [one["id"] for one in run(list=True)["backups"]] == [verified, newest]
    tags = {tag for one in snapshots(restic) for tag in one["tags"]}
    assert half not in tags
    assert "others" in tags


def test_damage_is_found_written_down_and_stands_for_no_other(repository, media):
    good = run(type="media", verify="hash")["id"]
    (media / "big.bin").write_bytes(os.urandom(300_000))
    bad = run(type="media")["id"]
    pack = max(repository.glob("data/*/*"), key=lambda one: one.stat().st_size)
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.write_bytes(content)

    with pytest.raises(CommandError, match=f"backup {bad} is bad") as found:
        run("restore_backup", bad, verify="hash")

    assert found.value.returncode == 1
    assert {one["id"]: one["verified"] for one in run(list=True)["backups"]}[bad] == (
        "FAILED (hash)"
    )
    assert run(prune=True, keep=1)["removed"] == [bad]
    assert [one["id"] for one in run(list=True)["backups"]] == [good]


def test_rows_of_a_tenant_go_and_come_back_alone(
    repository, restic_settings, configure, live, command, tmp_path
):
    configure(
        tenants={"model": "shop.Tenant"},
        backup={"restic": restic_settings, "tenant_models": MODELS},
    )

    made = command("backup_data", tenant="acme")
    done = command("restore_backup", made["id"], rows_to=tmp_path / "rows.jsonl")

    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert done["rows"] == len(lines) == 21
    assert command("backup_data", list=True)["backups"][0]["parts"] == ["tenant acme"]


def test_names_and_passwords_are_in_no_command_line(
    repository, restic_settings, configure, tmp_path
):
    log = tmp_path / "argv"
    script = tmp_path / "restic"
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {log}\nexec {shutil.which("restic")} "$@"\n'
    )
    script.chmod(0o700)
    configure(backup={"restic": restic_settings, "programs": {"restic": str(script)}})

    run(verify="hash")

    assert "--stdin-filename" in log.read_text()
    assert str(repository) not in log.read_text()
    assert restic_settings["password_file"] not in log.read_text()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda repository, password: shutil.rmtree(repository), "If there is none yet, make it"),
        (lambda repository, password: password.write_text("wrong"), "wrong password"),
        (lambda repository, password: password.chmod(0o644), "run chmod 600"),
        (lambda repository, password: password.unlink(), "cannot be read from"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_written(
    repository, password, spoil, words, backups
):
    spoil(repository, password)

    with pytest.raises(CommandError, match=words) as refused:
        run()

    assert refused.value.returncode == 1
    assert list(backups.glob("*-*")) == []


def test_output_and_directory_mean_the_directory(
    repository, restic_settings, key, tmp_path, restic, configure
):
    configure(
        backup={"restic": restic_settings, "key_file": str(tmp_path / "backup.key")},
    )

    made = run(output=tmp_path / "here")

    assert (tmp_path / "here" / made["id"] / "manifest.json").exists()
    assert snapshots(restic) == []
    assert run("restore_backup", made["id"], verify="hash", directory=tmp_path / "here")["ok"]


def test_unknown_backup_and_missing_part_are_said(repository, tmp_path):
    run()

    with pytest.raises(CommandError, match="no backup with media in it of the site"):
        run("restore_backup", "latest", media_to=tmp_path / "x")
    with pytest.raises(CommandError, match="no backup '20200101T000000Z-00000000' in the repo"):
        run("restore_backup", "20200101T000000Z-00000000", verify="hash")
    with pytest.raises(CommandError, match="--from-storage: the backups are in a repository"):
        run("restore_backup", "latest", verify="hash", from_storage=True)


def test_checks_know_what_does_not_go_together(repository, restic_settings, configure, settings):
    assert check_backup() == []
    configure(backup={"restic": restic_settings, "storage": "copies"})
    settings.STORAGES = {**settings.STORAGES, "copies": settings.STORAGES["default"]}
    assert [one.id for one in check_backup()] == ["django_system_ops.E013"]

    settings.MEDIA_ROOT = str(repository.parent)
    configure(backup={"restic": {**restic_settings, "password_file": "/nowhere"}, "storage": ""})
    found = {one.id for one in check_backup()}
    assert found == {"django_system_ops.E010", "django_system_ops.W015"}


def test_repository_without_its_password_is_a_wrong_setting(configure):
    configure(backup={"restic": {"repository": "/srv/restic"}})

    with pytest.raises(Exception, match="a repository needs a password_file"):
        get_conf()
