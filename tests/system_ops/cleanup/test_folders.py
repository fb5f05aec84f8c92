"""Temporary files: only what is old, only inside, whatever lies there."""

import os
import socket
import threading

import pytest

from django_system_ops.services.cleanup import folders
from django_system_ops.services.cleanup.folders import clean_folder
from django_system_ops.services.cleanup.kinds import FolderKind
from tests.system_ops.cleanup.conftest import ago, clean, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def tmp(tmp_path, types):
    folder = tmp_path / "tmp"
    folder.mkdir()
    types(temporary_files={"directory": str(folder), "patterns": ["*.tmp", "*.part"]})
    return folder


def put(path, *, days=90, text="text"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    age(path, days)
    return path


def age(path, days=90):
    moment = ago(days).timestamp()
    os.utime(path, (moment, moment), follow_symlinks=False)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_old_files_go_and_new_and_other_ones_stay(tmp):
    put(tmp / "a.tmp")
    put(tmp / "deep/er/b.part")
    put(tmp / "new.tmp", days=1)
    put(tmp / "other.txt")

    found = clean()["types"]["temporary_files"]

    assert (found["files"], found["bytes"]) == (2, 8)
    assert sorted(path.name for path in tmp.rglob("*") if path.is_file()) == [
        "new.tmp",
        "other.txt",
    ]


def test_old_directories_that_are_empty_then_go_and_the_root_stays(tmp):
    put(tmp / "old/inner/a.tmp")
    put(tmp / "young/b.tmp")
    put(tmp / "used/c.txt")
    for name in ("old/inner", "old", "used", "."):
        age(tmp / name)

    counted = clean("--dry-run")["types"]["temporary_files"]
    found = clean()["types"]["temporary_files"]

    assert (found["files"], found["directories"]) == (2, 2)
    assert (counted["files"], counted["directories"]) == (2, 2)
    assert names(tmp) == ["used", "young"]


def test_links_are_never_followed_and_stay(tmp, tmp_path):
    outside = put(tmp_path / "outside/precious.tmp")
    (tmp / "link.tmp").symlink_to(outside)
    (tmp / "folder").symlink_to(outside.parent)
    for name in ("link.tmp", "folder"):
        age(tmp / name)

    clean()

    assert outside.exists()
    assert names(tmp) == ["folder", "link.tmp"]


def test_directory_that_is_swapped_for_a_link_leads_nowhere(tmp, tmp_path, monkeypatch):
    outside = put(tmp_path / "outside/precious.tmp")
    put(tmp / "sub/a.tmp")
    original = os.open

    def swap(path, *args, **kwargs):
        if path == "sub":
            (tmp / "sub").rename(tmp_path / "elsewhere")
            (tmp / "sub").symlink_to(outside.parent)
        return original(path, *args, **kwargs)

    monkeypatch.setattr(folders.os, "open", swap)
    found = clean()

    assert outside.exists()
    assert (found["status"], found["types"]["temporary_files"]["failures"]) == (3, 1)


def test_directory_that_is_swapped_after_it_was_opened_leads_nowhere(tmp, tmp_path, monkeypatch):
    outside = put(tmp_path / "outside/a.tmp")
    put(tmp / "sub/a.tmp")
    original = os.scandir

    def swap(descriptor):
        if (tmp / "sub").is_dir() and os.path.samestat(os.fstat(descriptor), (tmp / "sub").stat()):
            (tmp / "sub").rename(tmp_path / "elsewhere")
            (tmp / "sub").symlink_to(outside.parent)
        return original(descriptor)

    monkeypatch.setattr(folders.os, "scandir", swap)
    clean()

    assert outside.exists()
    assert not (tmp_path / "elsewhere/a.tmp").exists()


def test_only_plain_files_go(tmp):
    os.mkfifo(tmp / "pipe.tmp")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp / "socket.tmp"))
    for path in tmp.iterdir():
        age(path)

    clean()

    assert names(tmp) == ["pipe.tmp", "socket.tmp"]


def test_hard_link_goes_and_the_file_stays_under_its_other_name(tmp, tmp_path):
    original = put(tmp_path / "original")
    os.link(original, tmp / "other.tmp")

    assert clean()["types"]["temporary_files"]["files"] == 1
    assert original.read_text() == "text"


def test_file_that_cannot_be_removed_is_named_and_the_next_one_comes(tmp, monkeypatch):
    put(tmp / "a.tmp")
    put(tmp / "theirs.tmp")
    original = os.unlink

    # root may remove anything: what another user would be told is told here.
    def refuse(name, **kwargs):
        if name == "theirs.tmp":
            raise PermissionError(13, "Permission denied")
        original(name, **kwargs)

    monkeypatch.setattr(folders.os, "unlink", refuse)
    found = clean()

    assert found["status"] == 3
    assert found["types"]["temporary_files"]["failed"] == ["theirs.tmp: Permission denied"]
    assert names(tmp) == ["theirs.tmp"]


def test_very_deep_directories_end_nothing(tmp):
    path, descriptor = tmp, os.open(tmp, os.O_RDONLY)
    for _ in range(150):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    put(path / "a.tmp")

    found = clean()

    assert found["types"]["temporary_files"]["files"] == 1
    assert "deeper than 100 directories" in found["types"]["temporary_files"]["failed"][0]


def test_shared_by_itself_so_a_tenant_leaves_it_alone(tmp):
    from tests.system_ops.shop.models import Tenant

    Tenant.objects.create(name="acme")
    put(tmp / "a.tmp")

    assert "shared by all tenants" in clean("--tenant=acme")["skipped"]["temporary_files"]
    assert (tmp / "a.tmp").exists()


def test_directory_that_is_not_there_is_nothing_to_do(types, tmp_path):
    types(temporary_files={"directory": str(tmp_path / "none")})

    assert "temporary_files: removed: nothing" in said("--type=temporary_files")


@pytest.mark.parametrize("name", ["MEDIA_ROOT", "BASE_DIR", "STATIC_ROOT"])
def test_directory_with_something_dear_in_it_is_refused(types, tmp_path, settings, name):
    setattr(settings, name, tmp_path / "a/b")
    types(temporary_files={"directory": str(tmp_path / "a")})
    put(tmp_path / "a/b/c.txt")

    found = clean()

    assert (found["status"], name in found["sentence"]) == (1, True)
    assert (tmp_path / "a/b/c.txt").exists()


def test_max_seconds_stop_between_files(tmp):
    for number in range(300):
        put(tmp / f"{number}.tmp")
    asked = []

    def goes_on():
        asked.append(1)
        return len(asked) < 2

    kind = FolderKind("x", 30, tmp, ("*",))
    tally = clean_folder(kind, cutoff=ago(30).timestamp(), dry_run=False, goes_on=goes_on)

    assert tally.files == 300 - len(names(tmp)) == 100


def test_two_at_once_remove_each_file_once(tmp):
    for number in range(200):
        put(tmp / f"{number % 7}/{number}.tmp")
    kind, tallies = FolderKind("x", 30, tmp, ("*",)), []

    def work():
        tallies.append(
            clean_folder(kind, cutoff=ago(30).timestamp(), dry_run=False, goes_on=lambda: True)
        )

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(tally.files for tally in tallies) == 200
    assert sum(tally.failures for tally in tallies) == 0
