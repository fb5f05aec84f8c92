"""Media files in backups: each content once, nothing read twice, all of it back."""

import os
import threading

import pytest
from django.core.management.base import CommandError

from django_system_ops.sealing import hash_of_stored
from tests.system_ops.backups.test_commands import run


def tree(root):
    """Return the files below a directory: their contents and times."""
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def rot(backups):
    """Change a byte of the largest object."""
    path = max((backups / "objects").glob("*/*"), key=lambda one: one.stat().st_size)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def objects(backups):
    return {path.name for path in (backups / "objects").rglob("*") if path.is_file()}


@pytest.fixture(params=["encrypted", "plain"])
def sealing(request, configure):
    if request.param == "encrypted":
        request.getfixturevalue("key")
    else:
        configure(backup={"encryption": False})
    return request.param


def test_files_come_back_with_their_contents_and_times(backups, media, sealing, tmp_path):
    was = tree(media)
    made = run(type="media")
    (media / "letter.txt").unlink()

    done = run("restore_backup", "latest", media_to=tmp_path / "restored")

    assert tree(tmp_path / "restored") == was
    assert done["media"] == made["manifest"]["media"]["files"] == 4
    # Two files have one content.
    assert made["manifest"]["media"]["new_objects"] == len(objects(backups)) == 3


def test_each_backup_brings_back_what_was_there_then(backups, media, sealing, tmp_path):
    first, was = run(type="media")["id"], tree(media)
    (media / "letter.txt").write_text("Dear Bob")
    (media / "photos" / "empty.txt").unlink()
    (media / "new.txt").write_text("new")
    second, then = run(type="media"), tree(media)

    run("restore_backup", first, media_to=tmp_path / "first")
    run("restore_backup", second["id"], media_to=tmp_path / "second")

    assert (tree(tmp_path / "first"), tree(tmp_path / "second")) == (was, then)
    assert second["manifest"]["media"]["new_objects"] == 2
    assert second["manifest"]["parent"] == first


def test_unchanged_files_are_not_read_again(backups, media, sealing):
    run(type="media")
    before = {path: path.stat().st_atime_ns for path in media.rglob("*.txt")}
    # Same size, same time, other content: only who reads it can know.
    letter = media / "letter.txt"
    found = letter.stat()
    letter.write_text("DEAR ANA")
    os.utime(letter, ns=(found.st_atime_ns, found.st_mtime_ns))

    again = run(type="media")

    assert before
    assert again["manifest"]["media"]["new_objects"] == 0


def test_names_of_objects_give_nothing_away(backups, media, key):
    run(type="media")

    known = {hash_of_stored(path)[1] for path in media.rglob("*") if path.is_file()}
    assert not {name.partition(".")[0] for name in objects(backups)} & known


def test_links_are_not_followed_and_are_listed(backups, media, sealing, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("not media")
    (media / "folder").symlink_to(tmp_path / "secret")
    (media / "file").symlink_to(tmp_path / "secret" / "file")
    os.mkfifo(media / "pipe")

    made = run(type="media")["manifest"]["media"]

    assert made["files"] == 4
    assert sorted(made["skipped"]) == [
        "file: a symbolic link",
        "folder: a symbolic link",
        "pipe: not a file",
    ]


def test_file_that_goes_on_growing_is_kept_and_named(backups, media, key, monkeypatch, tmp_path):
    """It is written to between the reading and the second look, each time."""
    real, growing = os.fstat, media / "growing.log"
    growing.write_text("line\n")
    number = growing.stat().st_ino

    def fstat(descriptor):
        found = real(descriptor)
        if found.st_ino == number:
            with growing.open("a") as file:
                file.write("line\n")
        return found

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(CommandError, match="growing.log") as found:
        run(type="media")
    monkeypatch.undo()

    assert found.value.returncode == 3
    run("restore_backup", "latest", media_to=tmp_path / "restored")
    assert (tmp_path / "restored" / "growing.log").read_text().startswith("line\n")


def test_files_may_vanish_meanwhile(backups, media, key):
    """A thread removes and makes them while the backup looks."""
    stop = threading.Event()
    folder = media / "restless"

    def stir():
        while not stop.is_set():
            folder.mkdir(exist_ok=True)
            for number in range(20):
                (folder / f"{number}").write_text("x")
            for path in list(folder.iterdir()):
                path.unlink()
            folder.rmdir()

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        made = [run(type="media")["manifest"]["media"] for _ in range(5)]
    finally:
        stop.set()
        thread.join()

    assert all(one["files"] >= 4 and one["problems"] == [] for one in made)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_cannot_be_read_is_named(backups, media, key):
    (media / "letter.txt").chmod(0)

    with pytest.raises(CommandError, match=r"letter\.txt: Permission denied") as found:
        run(type="media")

    assert found.value.returncode == 3


def test_names_that_are_no_text_come_back(backups, media, key, tmp_path):
    name = os.fsdecode(b"caf\xe9 \xff.txt")
    (media / name).write_text("x")

    run(type="media")
    run("restore_backup", "latest", media_to=tmp_path / "restored")

    assert tree(tmp_path / "restored") == tree(media)


def test_prune_removes_contents_that_no_backup_needs(backups, media, sealing):
    run(type="media")
    everything = objects(backups)
    (media / "letter.txt").unlink()
    kept = run(type="media")["id"]
    stray = backups / "objects" / "incoming-0123456789abcdef.zst.part"
    stray.touch(mode=0o600)

    done = run(prune=True, keep=1)

    assert done["removed_objects"] == 2
    assert len(objects(backups)) == len(everything) - 1
    assert run("restore_backup", kept, verify="restore")["ok"] is True


def test_prune_leaves_contents_while_a_backup_cannot_say_what_it_needs(backups, media, key):
    first = run(type="media")["id"]
    (media / "letter.txt").unlink()
    run(type="media")
    (backups / first / "manifest.json").write_text("{}")
    before = objects(backups)

    done = run(prune=True, keep=1)

    assert objects(backups) == before
    assert "Media files were left" in done["notes"][0]


@pytest.mark.parametrize("how", ["hash", "restore"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damaged_content_is_found(backups, media, sealing, how, damage):
    made = run(type="media")
    path = max((backups / "objects").rglob("*.zst*"), key=lambda one: one.stat().st_size)
    if damage == "flip":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    elif damage == "cut":
        os.truncate(path, path.stat().st_size - 3)
    else:
        path.unlink()

    with pytest.raises(CommandError, match="is bad") as found:
        run("restore_backup", made["id"], verify=how)

    assert found.value.returncode == 1


def test_lost_content_is_stored_again(backups, media, key):
    run(type="media")
    for path in (backups / "objects").rglob("*.sealed"):
        path.unlink()

    made = run(type="media")

    assert made["manifest"]["media"]["new_objects"] == 3
    assert run("restore_backup", made["id"], verify="restore")["ok"] is True


def test_nothing_is_mixed_with_what_is_there(backups, media, key):
    run(type="media")

    with pytest.raises(CommandError, match="there is something already") as refused:
        run("restore_backup", "latest", media_to=media)

    assert refused.value.returncode == 2


def test_failed_restore_leaves_nothing(backups, media, key, tmp_path):
    made = run(type="media")
    next((backups / "objects").rglob("*.sealed")).unlink()

    with pytest.raises(CommandError, match="is damaged"):
        run("restore_backup", made["id"], media_to=tmp_path / "restored")

    assert not list(tmp_path.glob("restored*"))


def test_backups_below_the_media_files_are_refused(media, key):
    with pytest.raises(CommandError, match="below MEDIA_ROOT"):
        run(type="media", output=media / "backups")


def test_unencrypted_backup_is_refused_where_backups_are_encrypted(media, key, configure, tmp_path):
    configure(backup={"encryption": False})
    made = run(type="media")["id"]
    configure(backup={"encryption": True})

    with pytest.raises(
        CommandError, match=f"{made} is not encrypted, and this site's are"
    ) as found:
        run("restore_backup", made, media_to=tmp_path / "restored")

    assert found.value.returncode == 2
    assert not (tmp_path / "restored").exists()
    assert run("restore_backup", made, verify="restore")["ok"]
    done = run("restore_backup", made, media_to=tmp_path / "restored", allow_unencrypted=True)
    assert done["media"] == 4


def test_names_that_are_no_text_are_no_failure(backups, media, key):
    (media / os.fsdecode(b"link-\xff")).symlink_to("nowhere")
    (media / os.fsdecode(b"file-\xfe.txt")).write_text("x")

    made = run(type="media", verify="restore")["manifest"]["media"]

    assert made["skipped"] == ["link-\\xff: a symbolic link"]
    assert made["files"] == 5


def test_very_many_notes_are_cut(backups, media, key):
    for n in range(1100):
        (media / f"{n}").symlink_to("nowhere")

    made = run(type="media")["manifest"]["media"]

    assert len(made["skipped"]) == 1001
    assert made["skipped"][-1] == "and more"


def test_mount_point_is_refused(backups, media, key, tmp_path, monkeypatch):
    run(type="media")
    (tmp_path / "mounted").mkdir()
    # Mounting takes rights that a test may not have.
    monkeypatch.setattr("os.path.ismount", lambda path: str(path).endswith("mounted"))

    with pytest.raises(CommandError, match="is a mount point"):
        run("restore_backup", "latest", media_to=tmp_path / "mounted")


def test_site_without_media_files_says_so(key, settings):
    settings.MEDIA_ROOT = ""

    with pytest.raises(CommandError, match="MEDIA_ROOT is empty"):
        run(type="media")


def test_path_that_leads_out_is_refused():
    from django_system_ops.exceptions import DamagedError
    from django_system_ops.services.backups.restoring.media import _safe

    for path in ("/etc/passwd", "../x", "a/../../x", "", "a\0b"):
        with pytest.raises(DamagedError):
            _safe(path)


def test_content_that_has_rotted_is_stored_anew_and_old_backups_are_whole_again(
    backups, media, sealing, tmp_path
):
    first = run(type="media")["id"]
    rot(backups)
    with pytest.raises(CommandError):
        run("restore_backup", first, verify="hash")

    second = run(type="media", verify="restore")["id"]

    for one in (first, second):
        assert run("restore_backup", one, verify="hash")["ok"]
        assert run("restore_backup", one, media_to=tmp_path / one)["media"] == 4
        assert tree(tmp_path / one) == tree(media)


def test_rotten_content_is_not_taken_for_a_new_file_of_the_same(backups, media, sealing, tmp_path):
    run(type="media")
    rot(backups)
    os.utime(media / "photos" / "copy.jpg")

    run(type="media")

    run("restore_backup", "latest", media_to=tmp_path / "restored")
    assert tree(tmp_path / "restored") == tree(media)


def test_media_files_that_are_gone_are_said(backups, media, key, live):
    first = run(type="media")["id"]
    media.rename(media.with_name("unmounted"))

    with pytest.raises(CommandError, match=f"is not there, and the backup {first} has 4") as found:
        run(type="incremental", database="live")

    assert found.value.returncode == 3
