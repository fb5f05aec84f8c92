"""Exports that go on where the last one of their kind ended."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from django_system_ops.services.exporting.destination import Destination
from tests.system_ops.exporting.conftest import (
    CHATS,
    NOON,
    SPECIMENS,
    chat,
    export,
    refusal,
    rows,
    said,
    specimens,
)
from tests.system_ops.shop.models import Chat, Specimen

pytestmark = pytest.mark.django_db


def increment(*args, **options):
    found = export("--type=chats", "--incremental", *args, **options)
    return [
        row["title"]
        for file in found["files"]
        for row in rows(Path(found["directory"], file["name"]), guarded=True)
    ]


def now(**shift):
    return timezone.now() + timedelta(**shift)


def test_the_first_has_all_and_the_next_what_has_changed_since():
    old, changed = chat("old"), chat("changed")
    assert increment() == ["old", "changed"]

    Chat.objects.filter(pk=changed.pk).update(updated_at=now())
    chat("new", at=now())

    assert increment() == ["changed", "new"]
    assert old.updated_at == NOON


def test_what_was_committed_late_is_not_lost(configure):
    increment()
    chat("began before the export, committed after it", at=now(seconds=-300))

    assert len(increment()) == 1

    configure(export={"overlap_seconds": 60})
    assert increment() == []


def test_tenants_and_types_and_formats_of_files_do_not_meet():
    chat("of a", tenant="a", at=now())
    chat("of b", tenant="b", at=now(days=-1))
    chat("second of a", tenant="a", at=now(days=-1))

    assert increment("--tenant=a") == ["of a", "second of a"]
    assert increment("--tenant=b") == ["of b"]
    assert increment("--tenant=a,b", "--format=json") == ["of a"]
    assert increment() == ["of a", "of b", "second of a"]


def test_other_fields_or_another_filter_begin_anew(types):
    chat("old")
    assert increment() == increment("--fields=title") == ["old"]
    assert increment("--fields=title") == []

    types(chats={**CHATS, "filter": {"title": "old"}})

    assert increment("--fields=title") == ["old"]
    text = said("--type=chats", "--incremental")
    assert "its fields or its filter are others now: all rows" in text


def test_a_failed_export_does_not_move_on(monkeypatch, own_folders):
    increment()
    chat("new", at=now(seconds=-30))
    with monkeypatch.context() as patch:

        def fail(self, names, manifest):
            raise OSError(5, "Input/output error")

        patch.setattr(Destination, "publish", fail)
        assert refusal("--type=chats", "--incremental", status=1) == "Input/output error."
    Chat.objects.update(updated_at=now(seconds=-590))

    assert increment() == ["new"]


def test_rows_without_a_date_come_each_time(types):
    types(specimens=SPECIMENS)
    specimens()  # one of NOON, one without a date

    counts = [export("--incremental")["rows"] for _ in range(3)]

    assert counts == [2, 1, 1]
    Specimen.objects.update(at=now())
    assert export("--incremental")["rows"] == 2


def test_days_come_again_on_the_same_day(types):
    types(specimens={**SPECIMENS, "date_field": "day"})
    specimens()
    Specimen.objects.update(day=timezone.localdate())

    assert [export("--incremental")["rows"] for _ in range(2)] == [2, 2]


def test_types_without_a_date_are_left_out_or_refused():
    assert set(export("--incremental")["skipped"]) == {"messages", "tags"}
    assert "tags: it has no date_field" in refusal("--incremental", "--type=tags")


def test_it_knows_itself_since_when():
    assert "--incremental knows itself since when" in refusal("--incremental", since="2026-06-01")


def test_the_manifest_says_since_when():
    first = export("--type=chats", "--incremental")
    second = export("--type=chats", "--incremental")

    assert first["exports"][0]["changed_since"] is None
    assert first["exports"][0]["remark"] == "the first of its kind: all rows"
    since = timezone.datetime.fromisoformat(second["exports"][0]["changed_since"])
    moment = timezone.datetime.fromisoformat(first["snapshot"])
    assert moment - since == timedelta(seconds=600)
    assert "changed since" in said("--type=chats", "--incremental")


def test_a_cursor_that_is_none_is_named(own_folders):
    increment()
    (file,) = (own_folders / "state" / "exports").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("{}")

    sentence = refusal("--type=chats", "--incremental", status=1)

    assert f"{file} is no cursor of an export: remove it" in sentence
    file.unlink()
    chat("all again")
    assert increment() == ["all again"]
