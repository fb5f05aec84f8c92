"""Rows are in a file before they go."""

import stat
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import DatabaseError, connection, models
from django.db.models import CASCADE, signals

from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.cleanup import archiving
from django_system_ops.services.cleanup.archiving import read_archive
from tests.system_ops.cleanup.conftest import attach, chats, clean, events, said
from tests.system_ops.cleanup.graphs import contents
from tests.system_ops.shop.models import Attachment, Chat, Event, Message

pytestmark = pytest.mark.django_db


class Tables:
    """What a restore has to bring back."""

    def __init__(self):
        self.Chat, self.Message, self.Attachment = Chat, Message, Attachment
        self.tags, self.Event = Chat.tags.through, Event


def archives(folder):
    return sorted(folder.glob("*.jsonl.zst"))


def test_archive_holds_every_row_that_went_and_loaddata_brings_them_back(tmp_path, media):
    made = chats(5, messages=2)
    Message.objects.filter(chat=made[0]).update(reply_to=Message.objects.filter(chat=made[4])[0])
    attach(Message.objects.first(), "a.txt", media)
    events(3)
    Event.objects.update(payload={"a": [1, None]}, blob=b"\x00\xff")
    before = contents(Tables())

    found = clean(f"--archive={tmp_path / 'old'}", "--batch-size=2")

    paths = archives(tmp_path / "old")
    assert [path.name.split("-")[0] for path in paths] == ["chats", "events"]
    assert found["types"]["chats"]["archived"] == 5 + 5 + 10 + 1
    assert not Chat.objects.exists()
    rows = tmp_path / "rows.jsonl"
    for path in paths:
        import json

        rows.write_text("".join(f"{json.dumps(row)}\n" for row in read_archive(path)))
        call_command("loaddata", rows, verbosity=0)
    assert contents(Tables()) == before


def test_archive_is_for_nobody_else_to_read(tmp_path):
    events(1)

    clean(f"--archive={tmp_path / 'old'}")

    (path,) = archives(tmp_path / "old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_archive_may_be_a_file_for_one_type(tmp_path):
    events(1)
    path = tmp_path / "events.jsonl.zst"

    assert clean(f"--archive={path}")["status"] == 2
    assert Event.objects.count() == 1
    clean(f"--archive={path}", "--type=events")

    assert [row["model"] for row in read_archive(path)] == ["shop.event"]


@pytest.mark.parametrize("there", ["events.jsonl.zst", "events.jsonl.zst.part"])
def test_archive_is_never_written_over(tmp_path, there):
    events(1)
    (tmp_path / there).write_text("dear")

    found = clean(f"--archive={tmp_path / 'events.jsonl.zst'}", "--type=events")

    assert (found["status"], "not written over" in found["sentence"]) == (2, True)
    assert (tmp_path / there).read_text() == "dear"
    assert Event.objects.count() == 1


def test_archive_is_no_link(tmp_path):
    events(1)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert clean(f"--archive={tmp_path / 'link'}")["status"] == 2
    assert Event.objects.count() == 1


@pytest.mark.parametrize("name", ["nowhere/x.jsonl.zst", "file"])
def test_archive_needs_a_place(tmp_path, name):
    (tmp_path / "file").write_text("")

    assert clean(f"--archive={tmp_path / name}", "--type=events")["status"] == 2


def test_archive_of_nothing_leaves_no_file(tmp_path):
    clean(f"--archive={tmp_path / 'old'}")

    assert list((tmp_path / "old").iterdir()) == []


def test_dry_run_writes_no_archive(tmp_path):
    events(1)

    said("--dry-run", f"--archive={tmp_path / 'old'}")

    assert not (tmp_path / "old").exists()


def test_rows_stay_when_the_archive_cannot_be_written(tmp_path, monkeypatch):
    events(4)
    original, calls = archiving.os.fsync, []

    def full(descriptor):
        if stat.S_ISREG(archiving.os.fstat(descriptor).st_mode):
            calls.append(1)
            if len(calls) == 2:
                raise OSError(28, "No space left on device")
        original(descriptor)

    monkeypatch.setattr(archiving.os, "fsync", full)
    found = clean(f"--archive={tmp_path / 'old'}", "--type=events", "--batch-size=2", "--jobs=1")

    assert (found["status"], found["sentence"]) == (1, "No space left on device.")
    assert (found["complete"], found["types"]["events"]["left"]) == (False, 2)
    assert Event.objects.count() == 2
    assert len(list(read_archive(archives(tmp_path / "old")[0]))) == 2


def test_rows_are_on_the_disk_before_they_go(tmp_path, monkeypatch):
    order = []
    from django_system_ops.services.cleanup import batches

    original, write = batches.carry_out, archiving.Archive.write

    def removing(*args):
        order.append("remove")
        return original(*args)

    def writing(self, rows):
        count = write(self, rows)
        on_disk = list(read_archive(self._part))
        order.append(f"archived {len(on_disk)}")
        return count

    monkeypatch.setattr(batches, "carry_out", removing)
    monkeypatch.setattr(archiving.Archive, "write", writing)
    events(3)
    clean(f"--archive={tmp_path / 'old'}", "--type=events", "--batch-size=2", "--jobs=1")

    assert order == ["archived 2", "remove", "archived 3", "remove"]


def test_archive_can_be_read_by_others(tmp_path):
    events(2)
    clean(f"--archive={tmp_path / 'old'}")

    try:
        text = subprocess.run(
            ["zstd", "-dc", archives(tmp_path / "old")[0]], check=True, capture_output=True
        ).stdout
    except FileNotFoundError:
        pytest.skip("no zstd on this machine")

    assert text.count(b"\n") == 2


def test_torn_file_is_an_error_and_a_torn_part_is_read_as_far_as_it_goes(tmp_path):
    events(6)
    clean(f"--archive={tmp_path / 'old'}", "--batch-size=3", "--jobs=1", "--type=events")
    whole = archives(tmp_path / "old")[0].read_bytes()
    torn, part = tmp_path / "torn.jsonl.zst", tmp_path / "torn.jsonl.zst.part"
    for path in (torn, part):
        path.write_bytes(whole[:-10])

    with pytest.raises(SystemOpsError, match="ends in the middle"):
        list(read_archive(torn))
    assert len(list(read_archive(part))) >= 3
    Path(torn).write_text("no zstd at all")
    with pytest.raises(SystemOpsError, match="cannot be read as zstd"):
        list(read_archive(torn))


def test_rows_of_a_batch_that_failed_are_not_in_the_archive(tmp_path):
    kept, *_ = chats(3, messages=2)

    def refuse(sender, instance, **_kwargs):
        if instance.pk == kept.pk:
            raise DatabaseError("not this one")

    signals.pre_delete.connect(refuse, sender=Chat)
    try:
        found = clean("--type=chats", f"--archive={tmp_path / 'old'}", "--batch-size=1")
    finally:
        signals.pre_delete.disconnect(refuse, sender=Chat)

    assert found["status"] == 1
    left = set(Chat.objects.values_list("pk", flat=True))
    assert kept.pk in left
    rows = [row for path in (tmp_path / "old").iterdir() for row in read_archive(path)]
    assert {row["pk"] for row in rows if row["model"] == "shop.chat"}.isdisjoint(left)


def take_along(collector, _field, sub_objs, using):
    CASCADE(collector, _field, sub_objs, using)


@pytest.fixture
def scans():
    """A model that goes with its chat by an on_delete of the site's own, and has a file."""

    class Scan(models.Model):
        chat = models.ForeignKey(Chat, take_along, related_name="+")
        file = models.FileField(upload_to="scans")

        class Meta:
            app_label = "shop"

        def __str__(self) -> str:
            return str(self.file)

    with connection.schema_editor() as editor:
        editor.create_model(Scan)
    apps.clear_cache()
    yield Scan
    with connection.schema_editor() as editor:
        editor.delete_model(Scan)
    del apps.all_models["shop"]["scan"]
    apps.clear_cache()
    ContentType.objects.clear_cache()


@pytest.mark.django_db(transaction=True)
def test_what_an_on_delete_of_the_site_takes_along_is_in_the_archive(scans, tmp_path, media):
    made = chats(2)
    for chat in made:
        scan = scans(chat=chat)
        scan.file.save("a.txt", ContentFile(b"x"))

    found = clean("--type=chats", f"--archive={tmp_path / 'old'}")

    (path,) = archives(tmp_path / "old")
    kinds = Counter(row["model"] for row in read_archive(path))
    assert (kinds["shop.chat"], kinds["shop.scan"]) == (2, 2)
    assert found["types"]["chats"]["rows"]["shop.Scan"] == 2
    assert not [one for one in media.rglob("*") if one.is_file()]
