"""What the commands of backups take and say; no database is in these backups."""

import io
import json
import os
import stat
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from django_system_ops.sealing import read_key_file
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.making import Order, make_backup


def run(name="backup_data", *args, **options):
    stdout = io.StringIO()
    if name == "backup_data":
        options = {"type": "config", "no_lock": True, **options}
    call_command(name, *args, json=True, stdout=stdout, stderr=io.StringIO(), **options)
    return json.loads(stdout.getvalue())


def said(name="backup_data", *args, **options):
    stdout = io.StringIO()
    if name == "backup_data":
        options = {"type": "config", "no_lock": True, **options}
    call_command(name, *args, stdout=stdout, stderr=io.StringIO(), **options)
    return stdout.getvalue()


@pytest.fixture
def aged(backups, key):
    """Make a backup of so many days ago, whose directory is as old."""

    def make(days, type="config"):
        directory = BackupDirectory.opened(backups, create=True)
        then = timezone.now() - timedelta(days=days)
        return make_backup(directory, Order(type, "default"), key=key, now=then).id

    return make


def test_keygen_writes_a_key_that_only_its_owner_reads(tmp_path):
    done = run("ops_keygen", output=tmp_path / "key")

    assert read_key_file(tmp_path / "key").id == done["key_id"]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="exists already") as refused:
        run("ops_keygen", output=tmp_path / "key")
    assert refused.value.returncode == 1
    assert "Keep a copy elsewhere" in said("ops_keygen", output=tmp_path / "other")


def test_key_is_not_made_among_the_backups_that_it_opens(backups, configure):
    configure(backup={"directory": str(backups)})

    with pytest.raises(CommandError, match="who takes them would have their key") as refused:
        run("ops_keygen", output=backups / "key")

    assert (refused.value.returncode, backups.exists()) == (2, False)


def test_without_a_key_there_is_no_backup_at_all(backups):
    with pytest.raises(CommandError, match="ops_keygen --output") as refused:
        run()

    assert (refused.value.returncode, backups.exists()) == (1, False)


def test_key_that_others_can_read_stops_the_backup(backups, key, tmp_path):
    (tmp_path / "backup.key").chmod(0o644)

    with pytest.raises(CommandError, match="chmod 600"):
        run()

    assert not backups.exists()


def test_latest_is_no_older_one_where_the_newest_is_damaged(backups, key):
    older, newest = run()["id"], run()["id"]
    manifest = backups / newest / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-20])

    with pytest.raises(CommandError, match="newest backup cannot be trusted.*" + older) as refused:
        run("restore_backup", "latest", verify="hash")

    assert refused.value.returncode == 1
    assert run("restore_backup", older, verify="hash")["ok"]


def test_latest_passes_over_a_run_that_was_killed(backups, key):
    older = run()["id"]
    (backups / "29990101T000000Z-0123abcd").mkdir(mode=0o700)

    assert run("restore_backup", "latest", verify="hash")["id"] == older


def test_without_encryption_it_is_said_and_written_down(backups, configure):
    configure(backup={"encryption": False})

    made = run()

    manifest = json.loads((backups / made["id"] / "manifest.json").read_text())
    assert (manifest["encryption"], manifest["key_id"], made["encrypted"]) == ("none", "", False)
    assert b"MASK" not in (backups / made["id"] / "config.json.zst").read_bytes()
    assert "NOT encrypted" in said()


@pytest.mark.parametrize(("compression", "name"), [(True, ".zst.sealed"), (False, ".sealed")])
def test_compression_is_a_setting(backups, key, configure, compression, name):
    configure(backup={"compression": compression})

    made = run()

    assert (backups / made["id"] / f"config.json{name}").exists()
    assert run("restore_backup", made["id"], verify="restore")["ok"] is True


def test_everything_is_for_its_owner_alone(backups, key, media):
    umask = os.umask(0)
    try:
        run(type="media")
        run()
    finally:
        os.umask(umask)

    for path in [backups, *backups.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_directory_that_others_can_read_is_refused(backups, key):
    backups.mkdir(mode=0o755)

    with pytest.raises(CommandError, match=f"Run `chmod 700 {backups}`"):
        run()

    assert list(backups.iterdir()) == []


def test_directory_that_is_a_link_is_refused(backups, key, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    backups.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(CommandError, match="symbolic link"):
        run()


def test_option_output_names_the_directory(backups, key, tmp_path):
    made = run(output=tmp_path / "a" / "b")

    assert made["path"] == str(tmp_path / "a" / "b" / made["id"])
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert not backups.exists()


def test_variable_backup_directory_goes_before_the_setting(backups, key, tmp_path, monkeypatch):
    monkeypatch.setenv("BACKUP_DIRECTORY", str(tmp_path / "variable"))

    assert run()["path"].startswith(str(tmp_path / "variable"))


def test_option_list_shows_what_there_is(backups, key, aged):
    old, new = aged(3), aged(0)
    run("restore_backup", old, verify="hash")
    (backups / "20260101T000000Z-00000000").mkdir(mode=0o700)

    listed = run(list=True)["backups"]

    assert [(one["id"], one["state"], one["verified"]) for one in listed] == [
        ("20260101T000000Z-00000000", "unfinished", "no"),
        (old, "complete", "hash"),
        (new, "complete", "no"),
    ]
    assert all(one["encrypted"] and one["key_id"] == key.id for one in listed[1:])
    lines = said(list=True).splitlines()
    assert lines[0].split() == ["id", "age", "type", "size", "encrypted", "verified"]
    assert lines[2].split()[:3] == [old, "3", "d"]
    assert "never finished" in lines[-1]


def test_option_list_says_that_there_is_nothing(backups):
    assert said(list=True) == "There are no backups.\n"


def test_option_prune_removes_what_is_too_old(backups, key, aged):
    ids = [aged(days) for days in (90, 60, 31, 29)]

    plan = run(prune=True, dry_run=True)
    before = sorted(one.name for one in backups.iterdir() if one.is_dir())
    done = run(prune=True)

    assert plan["removed"] == done["removed"] == ids[:3]
    assert before == sorted(ids)
    assert [one["id"] for one in run(list=True)["backups"]] == ids[3:]


def test_option_prune_leaves_the_last_verified(key, aged):
    ids = [aged(days) for days in (90, 60, 1)]
    run("restore_backup", ids[1], verify="restore")

    assert run(prune=True)["removed"] == ids[:1]


def test_option_keep_leaves_the_newest(key, aged):
    ids = [aged(days) for days in (4, 3, 2, 1)]

    assert run(prune=True, keep=2)["removed"] == ids[:2]


@pytest.mark.parametrize("word", ["0", "-1", "two", "²"])
def test_option_keep_takes_a_number_from_one_on(key, word):
    with pytest.raises(CommandError, match="is not a number from 1 on"):
        call_command("backup_data", "--prune", f"--keep={word}", "--no-lock")


def test_option_keep_goes_with_prune(key):
    with pytest.raises(CommandError, match="--keep goes with --prune") as refused:
        run(keep=2)

    assert refused.value.returncode == 2


def test_successful_backup_removes_what_is_too_old(key, aged):
    old = aged(90)

    assert run()["removed"] == [old]


def test_failed_backup_removes_nothing(backups, key, aged, tmp_path):
    aged(90), aged(60)
    (tmp_path / "backup.key").chmod(0o644)

    with pytest.raises(CommandError):
        run()

    assert len([one for one in backups.iterdir() if one.is_dir()]) == 2


def test_retention_days_are_a_setting(key, aged, configure):
    configure(backup={"retention_days": 100})
    aged(90)

    assert run()["removed"] == []


def test_unfinished_one_goes_when_it_is_a_day_old(backups, key, aged):
    aged(0)
    fresh, old = "20260101T000000Z-00000000", "20260101T000000Z-00000001"
    for name in (fresh, old):
        (backups / name).mkdir(mode=0o700)
        (backups / name / "database.default.pgdump.part").touch()
    yesterday = timezone.now().timestamp() - 25 * 3600
    os.utime(backups / old, (yesterday, yesterday))

    made = run()

    assert made["removed_unfinished"] == [old]
    assert (backups / fresh).exists()


def test_option_dry_run_makes_nothing(backups, key, aged):
    old = aged(90)
    aged(60)

    plan = run(dry_run=True)

    assert (plan["dry_run"], plan["parts"], plan["removed"]) == (True, ["config"], [old])
    assert len([one for one in backups.iterdir() if one.is_dir()]) == 2


def test_two_at_once_do_not_meet(backups, key):
    directory = BackupDirectory.opened(backups, create=True)

    with directory.at_work(), pytest.raises(CommandError, match="Another run is at work") as held:
        run()
    with directory.at_work(), pytest.raises(CommandError) as restoring:
        run("restore_backup", "latest", verify="hash")

    assert held.value.returncode == restoring.value.returncode == 75
    assert run()["encrypted"] is True


def test_changed_manifest_is_found(backups, key):
    made = run()
    path = backups / made["id"] / "manifest.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "type": "all"}))

    with pytest.raises(CommandError, match="its checksum is another"):
        run("restore_backup", made["id"], verify="hash")
    assert [one["state"] for one in run(list=True)["backups"]] == ["damaged"]


def test_manifest_that_somebody_without_the_key_wrote_is_found(backups, key):
    from django_system_ops.sealing import new_key
    from django_system_ops.services.backups.manifests import read_manifest, write_manifest

    made = run()
    manifest = read_manifest(backups / made["id"], key)
    forged = manifest.model_copy(update={"type": "all"})
    write_manifest(backups / made["id"], forged, new_key())

    with pytest.raises(CommandError, match="changed by somebody who has not the key"):
        run("restore_backup", made["id"], verify="restore")


def test_missing_manifest_and_missing_part_are_told_apart(backups, key):
    first, second = run()["id"], run()["id"]
    (backups / first / "manifest.json").unlink()
    (backups / second / "config.json.zst.sealed").unlink()

    with pytest.raises(CommandError, match="has no manifest: that backup was never finished"):
        run("restore_backup", first, verify="hash")
    with pytest.raises(CommandError, match=r"config\.json\.zst\.sealed is missing"):
        run("restore_backup", second, verify="hash")


def test_hashes_can_be_checked_without_the_key(backups, key, configure):
    made = run()
    configure(backup={"key_file": ""})

    assert run("restore_backup", made["id"], verify="hash")["ok"] is True
    with pytest.raises(CommandError, match="there is no key"):
        run("restore_backup", made["id"], verify="restore")


def test_other_key_is_named(backups, key, configure, tmp_path):
    made = run()
    run("ops_keygen", output=tmp_path / "other")
    configure(backup={"key_file": str(tmp_path / "other")})

    with pytest.raises(CommandError, match=f"sealed with the key {key.id}, and the key here is"):
        run("restore_backup", made["id"], verify="restore")


@pytest.mark.parametrize("type", ["database", "media", "config", "incremental", "all"])
def test_option_type_is_known(type):
    from django_system_ops.management.commands.backup_data import Command

    options = Command().create_parser("manage.py", "backup_data").parse_args([f"--type={type}"])

    assert options.type == type


def test_everything_is_backed_up_by_default():
    from django_system_ops.management.commands.backup_data import Command

    options = Command().create_parser("manage.py", "backup_data").parse_args([])

    assert (options.type, options.output, options.keep) == ("all", None, None)


def test_look_that_could_not_be_taken_says_nothing_about_the_backup(backups, key, configure):
    made = run(verify="restore")["id"]
    configure(backup={"key_file": ""})

    with pytest.raises(CommandError, match="there is no key"):
        run("restore_backup", made, verify="restore")

    (entry,) = run(list=True)["backups"]
    assert entry["verified"] == "restore"


def test_what_a_killed_run_left_goes_with_the_next(backups, key):
    made = run()["id"]
    for name in ("snapshot.tmp", "trial.restored-x", "trial.restored-x-wal", "database.part"):
        (backups / made / name).write_text("all data, unsealed")

    run("restore_backup", made, verify="hash")

    left = {one.name for one in (backups / made).iterdir()}
    assert left == {"config.json.zst.sealed", "manifest.json", "verified.json"}
