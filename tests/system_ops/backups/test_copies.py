"""Copies in another place: whole or not at all, back when the machine is gone."""

import json
import os
import shutil

import pytest
from django.core.files.storage import FileSystemStorage, storages
from django.core.management.base import CommandError

from django_system_ops.checks.backup import check_backup
from django_system_ops.sealing import hash_of_stored
from tests.system_ops.backups.test_commands import run
from tests.system_ops.backups.test_media import tree


class Unsteady(FileSystemStorage):
    """Breaks at its n-th write, and leaves half of the file as a killed upload may."""

    left = None

    def _save(self, name, content):
        if Unsteady.left == 0:
            super()._save(name, content)
            os.truncate(self.path(name), 3)
            raise ConnectionResetError("peer went away")
        if Unsteady.left is not None:
            Unsteady.left -= 1
        return super()._save(name, content)


class Forgetful(FileSystemStorage):
    """Cannot read one file."""

    forgets = ""

    def _open(self, name, mode="rb"):
        if name == Forgetful.forgets:
            raise TimeoutError("no answer")
        return super()._open(name, mode)


class Renaming(FileSystemStorage):
    """Has names of its own."""

    def get_available_name(self, name, max_length=None):
        return f"{name}.1"


@pytest.fixture
def keep_in(settings, tmp_path, configure):
    """Let copies go to a storage of this class."""

    def keep(kind="django.core.files.storage.FileSystemStorage"):
        place = tmp_path / "offsite"
        options = {"location": str(place)}
        settings.STORAGES = {
            **settings.STORAGES,
            "offsite": {"BACKEND": kind, "OPTIONS": options},
        }
        # Django's own receiver forgets the storages themselves, and not what has been read.
        storages.__dict__.pop("backends", None)
        storages._storages.clear()
        configure(backup={"storage": "offsite"})
        return place

    yield keep
    Unsteady.left = None
    storages.__dict__.pop("backends", None)
    storages._storages.clear()


def stored(place):
    """Return the hashes of the objects: what they are called is a matter of the place."""
    return {hash_of_stored(one) for one in (place / "objects").rglob("*") if one.is_file()}


def whole(place):
    return sorted(one.parent.name for one in place.glob("*/manifest.json"))


def test_backup_is_copied_and_nothing_goes_twice(keep_in, backups, media, key):
    place = keep_in()
    first = run(type="media")
    (media / "new.txt").write_text("new")

    second = run(type="media")

    assert first["copied"]["ids"] == [first["id"]]
    assert second["copied"]["ids"] == [second["id"]]
    assert set(whole(place)) == {first["id"], second["id"]}
    assert stored(place) == stored(backups)
    # The list of files and of objects, the manifest, and the one content that is new.
    assert 0 < second["copied"]["bytes"] < first["copied"]["bytes"]
    assert run(list=True)["storage"] == {"copies": whole(place), "problem": ""}


def test_all_comes_back_when_the_machine_is_gone(keep_in, backups, media, key, tmp_path):
    keep_in()
    was, made = tree(media), run(type="media", verify="restore")
    shutil.rmtree(backups)

    run("restore_backup", "latest", from_storage=True, media_to=tmp_path / "restored")

    assert tree(tmp_path / "restored") == was
    (entry,) = run(list=True)["backups"]
    assert (entry["id"], entry["verified"]) == (made["id"], "restore")


def test_database_comes_back_when_the_machine_is_gone(keep_in, live, command, key, backups):
    keep_in()
    made = command("backup_data", type="database")
    shutil.rmtree(backups)

    done = command("restore_backup", made["id"], from_storage=True, verify="restore")

    assert done["ok"]


def test_storage_that_breaks_at_any_moment_has_no_half_of_a_backup(keep_in, backups, media, key):
    place = keep_in(f"{__name__}.Unsteady")
    steps = 0
    while True:
        Unsteady.left = steps
        failure = None
        try:
            run(type="media")
        except CommandError as error:
            failure = error
        if failure is None:
            break
        assert "is there, and has no copy" in str(failure)
        assert "peer went away" in str(failure)
        assert failure.returncode == 1
        steps += 1
    # Each run failed one step later, and the last one sent what all of them had not.
    assert steps > 5
    ids = [one["id"] for one in run(list=True)["backups"]]
    assert set(whole(place)) == set(ids)
    shutil.rmtree(backups)
    for one in ids:
        assert run("restore_backup", one, from_storage=True, verify="restore")["ok"]


def test_backups_stay_while_their_copies_cannot_be_made(keep_in, backups, media, key, configure):
    keep_in(f"{__name__}.Unsteady")
    for _ in range(2):
        run(type="media")
    Unsteady.left = 0

    with pytest.raises(CommandError):
        run(type="media", prune=False)

    assert len(run(list=True)["backups"]) == 3


@pytest.mark.parametrize("what", ["media.index.zst.sealed", "objects"])
def test_damaged_copy_is_refused_and_leaves_nothing(keep_in, backups, media, key, what):
    place = keep_in()
    made = run(type="media")
    shutil.rmtree(backups)
    if what == "objects":
        path = next(one for one in (place / what).rglob("*") if one.is_file())
    else:
        path = place / made["id"] / what
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(CommandError, match="in the storage 'offsite' is not what was sent"):
        run("restore_backup", "latest", from_storage=True, verify="restore")

    assert run(list=True)["backups"] == []
    assert not [one for one in backups.rglob("*") if one.name.endswith(".part")]


def test_manifest_that_leads_elsewhere_is_refused(keep_in, backups, media, key):
    place = keep_in()
    made = run(type="media")
    shutil.rmtree(backups)
    path = place / made["id"] / "manifest.json"
    document = json.loads(path.read_bytes())
    document["media"]["index"]["name"] = "../../evil"
    path.write_text(json.dumps(document))

    with pytest.raises(CommandError, match="is damaged"):
        run("restore_backup", made["id"], from_storage=True, verify="hash")

    assert not list(backups.glob("*/*"))


def test_prune_removes_copies_and_what_only_they_needed(keep_in, backups, media, key):
    place = keep_in()
    first = run(type="media")["id"]
    (media / "letter.txt").write_text("Dear Bob")
    run(type="media")
    third = run(type="media")["id"]

    dry = run(prune=True, keep=1, dry_run=True)
    done = run(prune=True, keep=1)

    assert dry["removed_copies"] == done["removed_copies"] == done["removed"]
    assert first in done["removed"]
    assert whole(place) == [third]
    assert stored(place) == stored(backups)
    assert run("restore_backup", third, verify="restore")["ok"]


def test_last_verified_copy_stays_even_if_the_directory_is_gone(keep_in, backups, media, key):
    place = keep_in()
    first = run(type="media", verify="restore")["id"]
    run(type="media")
    shutil.rmtree(backups)
    last = run(type="media")["id"]

    run(prune=True, keep=1)

    assert set(whole(place)) == {first, last}


def test_storage_with_names_of_its_own_is_refused(keep_in, media, key):
    place = keep_in(f"{__name__}.Renaming")

    with pytest.raises(CommandError, match="would call .* something else"):
        run(type="media")

    assert not [one for one in place.rglob("*") if one.is_file()]


def test_latest_is_no_older_copy_where_the_newest_is_damaged(keep_in, backups, media, key):
    place = keep_in()
    older, newest = run(type="media")["id"], run(type="media")["id"]
    manifest = place / newest / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    shutil.rmtree(backups)

    with pytest.raises(CommandError, match="The newest copy cannot be trusted") as refused:
        run("restore_backup", "latest", from_storage=True, verify="hash")

    assert refused.value.returncode == 1
    assert run("restore_backup", older, from_storage=True, verify="hash")["ok"]


def test_list_says_when_the_storage_is_away(keep_in, backups, media, key, settings):
    keep_in()
    run(type="media")
    settings.STORAGES["offsite"]["BACKEND"] = "nowhere.Storage"
    storages._storages.clear()

    document = run(list=True)

    assert len(document["backups"]) == 1
    assert "STORAGES cannot make it" in document["storage"]["problem"]


def test_from_storage_needs_one(backups, media, key):
    with pytest.raises(CommandError, match="the site keeps no copies") as caught:
        run("restore_backup", "latest", from_storage=True, verify="hash")

    assert caught.value.returncode == 2


@pytest.mark.parametrize(
    ("storage", "encryption", "found"),
    [
        ("", False, []),
        ("offsite", True, []),
        ("offsite", False, ["django_system_ops.W013"]),
        ("default", True, ["django_system_ops.E012"]),
        ("nowhere", True, ["django_system_ops.E012"]),
    ],
)
def test_check_of_the_storage(keep_in, key, configure, storage, encryption, found):
    keep_in()
    configure(backup={"storage": storage, "encryption": encryption})

    assert [one.id for one in check_backup()] == found


def test_new_machine_with_the_same_key_and_storage_has_copies_that_come_back(
    keep_in, backups, media, key
):
    keep_in()
    first = run(type="media")["id"]
    shutil.rmtree(backups)
    # The same contents, sealed again: other bytes under the same names.
    second = run(type="media")["id"]
    shutil.rmtree(backups)

    for one in (first, second):
        assert run("restore_backup", one, from_storage=True, verify="restore")["ok"]


def test_copy_that_cannot_be_read_for_a_moment_keeps_its_files(keep_in, backups, media, key):
    place = keep_in(f"{__name__}.Forgetful")
    ids = []
    for n in range(4):
        (media / f"{n}.txt").write_text(f"only here {n}")
        ids.append(run(type="media")["id"])
    third = next(one for one in run(list=True)["backups"] if one["id"] == ids[2])["id"]
    Forgetful.forgets = f"{third}/manifest.json"

    run(prune=True, keep=2)

    Forgetful.forgets = ""
    assert third in whole(place)
    shutil.rmtree(backups)
    assert run("restore_backup", third, from_storage=True, verify="restore")["ok"]


def test_backup_that_proves_damaged_keeps_no_other_from_its_copy(keep_in, backups, media, key):
    place = keep_in()
    Unsteady.left = None
    storage_away = keep_in(f"{__name__}.Unsteady")
    Unsteady.left = 0
    with pytest.raises(CommandError):
        run(type="media")
    Unsteady.left = None
    (bad,) = [one["id"] for one in run(list=True)["backups"]]
    next((backups / bad).glob("media.index*")).unlink()

    with pytest.raises(CommandError, match=f"{bad} is damaged, and has no copy") as found:
        run(type="media")

    assert found.value.returncode == 3
    assert place == storage_away
    last = run(type="media")["id"]
    assert last in whole(place)
    assert bad not in whole(place)
    assert len(whole(place)) == 2


def test_list_of_contents_that_is_gone_stops_no_other_copy(keep_in, backups, media, key):
    place = keep_in()
    first = run(type="media")["id"]
    next((backups / first).glob("media.objects*")).unlink()

    with pytest.raises(CommandError, match="its list of contents cannot be read") as found:
        run(type="media")

    assert found.value.returncode == 3
    last = run(type="media")["id"]
    assert last in whole(place)


def test_damaged_backup_is_mended_from_its_copy(keep_in, backups, media, key, tmp_path):
    keep_in()
    made = run(type="media")["id"]
    next((backups / made).glob("media.index*")).write_bytes(b"rubbish")
    path = next(one for one in (backups / "objects").rglob("*") if one.is_file())
    path.write_bytes(path.read_bytes()[:-1])

    run("restore_backup", made, from_storage=True, media_to=tmp_path / "restored")

    assert tree(tmp_path / "restored") == tree(media)
    assert run("restore_backup", made, verify="restore")["ok"]


def test_database_comes_back_before_the_media_files_do(keep_in, backups, media, key, live, command):
    keep_in()
    made = command("backup_data", type="incremental")["id"]
    shutil.rmtree(backups)

    done = command("restore_backup", made, from_storage=True, into=f"{live.name}_beside")

    assert done["rows"] > 0
    assert not [one for one in (backups / "objects").rglob("*") if one.is_file()]
