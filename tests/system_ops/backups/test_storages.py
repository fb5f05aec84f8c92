"""Media files that are in no directory: all of them, once each, back in a directory."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages
from django.core.management.base import CommandError

from tests.system_ops.backups.test_commands import run


class Counting(InMemoryStorage):
    """Notes which files are opened; breaks or changes them when asked to."""

    opened: tuple[str, ...] = ()
    is_away = False
    on_open = None

    def open(self, name, mode="rb"):
        Counting.opened = (*Counting.opened, name)
        file = super().open(name, mode)
        if Counting.on_open:
            Counting.on_open(self, name)
        return file

    def listdir(self, path):
        if Counting.is_away:
            raise ConnectionError("no route to bucket.example")
        return super().listdir(path)


@pytest.fixture
def bucket(settings):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{__name__}.Counting"}}
    Counting.opened, Counting.is_away, Counting.on_open = (), False, None
    storages.__dict__.pop("backends", None)
    storages._storages.clear()
    storage = storages["default"]
    for name, content in FILES.items():
        storage.save(name, ContentFile(content))
    Counting.opened = ()
    yield storage
    storages.__dict__.pop("backends", None)
    storages._storages.clear()


FILES = {
    "letter.txt": b"Dear Ana",
    "photos/2026/one.jpg": bytes(range(256)) * 9000,
    "photos/copy.jpg": bytes(range(256)) * 9000,
    "photos/empty.txt": b"",
}


def restored(folder):
    return {
        str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()
    }


def test_files_of_a_storage_come_back_in_a_directory(bucket, backups, key, tmp_path):
    made = run(type="media", verify="restore")

    run("restore_backup", "latest", media_to=tmp_path / "restored")

    assert restored(tmp_path / "restored") == FILES
    assert made["manifest"]["media"]["new_objects"] == 3


def test_only_what_is_new_is_fetched(bucket, backups, key, tmp_path):
    run(type="media")
    bucket.delete("letter.txt")
    bucket.save("letter.txt", ContentFile(b"Dear Bob"))
    bucket.save("new.txt", ContentFile(b"new"))
    Counting.opened = ()

    made = run(type="media")

    assert sorted(Counting.opened) == ["letter.txt", "new.txt"]
    assert made["manifest"]["media"]["files"] == 5
    run("restore_backup", "latest", media_to=tmp_path / "restored")
    assert restored(tmp_path / "restored") == {
        **FILES,
        "letter.txt": b"Dear Bob",
        "new.txt": b"new",
    }


def test_storage_that_is_away_is_said_and_leaves_no_backup(bucket, backups, key):
    Counting.is_away = True

    with pytest.raises(CommandError, match=r"Counting cannot be read: .*no route to bucket"):
        run(type="media")

    assert run(list=True)["backups"] == []


def test_file_that_is_removed_meanwhile_is_named(bucket, backups, key):
    def remove(storage, name):
        if name == "photos/copy.jpg":
            Counting.on_open = None
            storage.delete("photos/empty.txt")

    Counting.on_open = remove

    made = run(type="media")

    media = made["manifest"]["media"]
    assert media["files"] == 3
    assert media["skipped"] == ["photos/empty.txt: it was removed meanwhile"]
