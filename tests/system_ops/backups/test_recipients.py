"""Backups that their maker cannot read: real keys of age."""

import shutil
import subprocess

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from django_system_ops.checks.backup import check_backup
from django_system_ops.conf import get_conf
from tests.system_ops.backups.test_commands import run, said
from tests.system_ops.backups.test_media import tree

pytestmark = pytest.mark.skipif(not shutil.which("age"), reason="age is not here")


@pytest.fixture
def identity(tmp_path):
    """Make an identity; returns its file and its public key."""

    def make(name):
        path = tmp_path / name
        subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
        path.chmod(0o600)
        line = next(one for one in path.read_text().splitlines() if "public key" in one)
        return path, line.split()[-1]

    return make


@pytest.fixture
def ours(identity, configure):
    path, recipient = identity("ours.txt")
    configure(backup={"recipients": [recipient]})
    return path


def test_recipient_opens_what_the_server_cannot(ours, media, backups, tmp_path):
    made = run(type="media", verify="restore")

    with pytest.raises(CommandError, match="made for recipients of age: add --identity"):
        run("restore_backup", "latest", media_to=tmp_path / "restored")
    assert run("restore_backup", "latest", verify="hash")["ok"]
    run("restore_backup", "latest", media_to=tmp_path / "restored", identity=ours)

    assert tree(tmp_path / "restored") == tree(media)
    assert made["manifest"]["key"]["name"] == "key.age"
    # Nothing that the run left behind has the key in it.
    secret = subprocess.run(
        ["age", "-d", "-i", ours, backups / made["id"] / "key.age"], check=True, capture_output=True
    ).stdout.splitlines()[-1]
    assert secret.startswith(b"OPS-KEY-1-")
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert not any(secret in one.read_bytes() for one in files)


def test_each_recipient_opens_it_and_nobody_else(identity, configure, media, tmp_path):
    (one, first), (other, second), (stranger, _) = map(identity, ("a", "b", "c"))
    configure(backup={"recipients": [first, second]})
    run(type="media")

    for path in (one, other):
        assert run("restore_backup", "latest", verify="restore", identity=path)["ok"]
    with pytest.raises(CommandError, match="does not open .*no identity matched") as found:
        run("restore_backup", "latest", verify="restore", identity=stranger)

    assert found.value.returncode == 1
    # That somebody could not look says nothing about the backup.
    assert run(list=True)["backups"][0]["verified"] == "restore"


def test_database_comes_back(ours, live, command, aside):
    was = live.rows
    command("backup_data", type="database")

    command("restore_backup", "latest", into=aside, identity=ours)

    assert live.rows_in(aside) == was


def test_each_backup_stands_alone_and_old_ones_of_a_key_go_on(
    identity, configure, key, media, backups, tmp_path
):
    old = run(type="media")["id"]
    path, recipient = identity("ours.txt")
    configure(backup={"recipients": [recipient]})
    first, second = run(type="media"), run(type="media")

    assert first["manifest"]["media"]["new_objects"] == second["manifest"]["media"]["new_objects"]
    shutil.rmtree(backups / first["id"])
    assert run("restore_backup", second["id"], verify="restore", identity=path)["ok"]
    assert run("restore_backup", old, verify="restore")["ok"]
    assert len(run(list=True)["backups"]) == 2


def test_identity_that_others_can_read_is_refused(ours, media):
    run(type="media")
    ours.chmod(0o644)

    with pytest.raises(CommandError, match="may be read by others .*chmod 600"):
        run("restore_backup", "latest", verify="restore", identity=ours)


def test_damaged_key_is_found_without_an_identity(ours, media, backups):
    made = run(type="media")["id"]
    path = backups / made / "key.age"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(CommandError, match=r"key\.age is not what was written"):
        run("restore_backup", made, verify="hash")


def test_plan_says_for_whom(ours, media):
    assert "encrypted for 1 recipients of age" in said(type="media", dry_run=True)


def test_missing_program_is_named_and_leaves_no_backup(ours, media, configure):
    configure(backup={"programs": {"age": "/nowhere/age"}})

    assert [one.id for one in check_backup()] == ["django_system_ops.W014"]
    with pytest.raises(CommandError, match="There is no program age"):
        run(type="media")
    assert run(list=True)["backups"] == []


@pytest.mark.parametrize("value", ["age1x", ["age1tooshort"], ["AGE-SECRET-KEY-1QQ"]])
def test_what_is_no_public_key_is_refused(configure, value):
    configure(backup={"recipients": value})

    with pytest.raises(ImproperlyConfigured, match="age1") as found:
        get_conf()

    assert "1QQ" not in str(found.value)
