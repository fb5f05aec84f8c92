"""What --fix-issues mends, what it leaves, and what it writes down before."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Q

from django_system_ops.conf import get_conf
from django_system_ops.services.validating import Finding, Fix, fix_findings
from django_system_ops.services.validating.findings import CheckReport
from django_system_ops.services.validating.foreign_keys import ForeignKeys
from django_system_ops.services.validating.scope import Scope
from tests.system_ops.shop.models import Attachment, Chat, Comment, Message, Note, Tag
from tests.system_ops.validating.conftest import NOON, a_chat, unwatched

pytestmark = pytest.mark.django_db(transaction=True)

GONE = 987_654


def images() -> list[Path]:
    return sorted((get_conf().state_path / "before-images").glob("*"))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def dangling_note(**fields) -> Note:
    with unwatched():
        return Note.objects.create(**{"chat_id": GONE, "text": "n", **fields})


def test_fix_issues_empties_a_key_that_may_be_empty(validate):
    note, well = dangling_note(), Note.objects.create(chat=a_chat(), text="w")

    said = validate("--module=shop", "--check=foreign_keys", "--fix-issues")

    note.refresh_from_db()
    well.refresh_from_db()
    assert said.status == 0
    assert (note.chat_id, note.text) == (None, "n")
    assert well.chat_id is not None
    assert "fixed shop.Note.chat: set chat to NULL, 1 rows; 0 left" in said.text


def test_fix_issues_keeps_the_rows_as_they_were(validate):
    note = dangling_note(text="as it was")

    validate("--module=shop", "--check=foreign_keys", "--fix-issues")

    (image,) = images()
    begun, row, end = lines_of(image)
    assert image.name.endswith("-foreign_keys.jsonl")
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    assert stat.S_IMODE(image.parent.stat().st_mode) == 0o700
    assert (begun["fix"], begun["table"]) == ("shop.Note.chat", "shop_note")
    assert row == {"row": {"id": note.pk, "chat_id": GONE, "text": "as it was"}}
    assert end == {"committed": 1}


def test_fix_issues_removes_rows_between_many_to_many(validate):
    chat, tag = a_chat(), Tag.objects.create(name="a")
    chat.tags.add(tag)
    with unwatched():
        Chat.tags.through.objects.create(chat_id=GONE, tag=tag)
        Chat.tags.through.objects.create(chat=chat, tag_id=GONE)

    said = validate("--module=shop", "--check=foreign_keys", "--fix-issues")

    assert said.status == 0
    assert [(one.chat_id, one.tag_id) for one in Chat.tags.through.objects.all()] == [
        (chat.pk, tag.pk)
    ]


def test_row_that_dangles_on_both_sides_goes_once(validate):
    with unwatched():
        Chat.tags.through.objects.create(chat_id=GONE, tag_id=GONE)

    said = validate("--module=shop", "--check=foreign_keys", "--fix-issues", "--json")

    assert not Chat.tags.through.objects.exists()
    assert [one["left"] for one in said.document["fixes"]] == [0, 0]
    assert said.status == 0


def test_fix_issues_leaves_what_is_not_safe_and_says_so(validate):
    with unwatched():
        Attachment.objects.create(message_id=GONE)
    kind = ContentType.objects.get_for_model(Note)
    Comment.objects.create(content_type=kind, object_id=GONE, text="lost")

    said = validate("--module=shop", "--fix-issues", "--check=foreign_keys", "--check=generic_keys")

    assert said.status == 3
    assert Attachment.objects.count() == 1
    assert Comment.objects.count() == 1
    assert "SQL: DELETE FROM" in said.text
    assert images() == []


def test_fix_issues_removes_stale_content_types_that_nothing_refers_to(validate):
    ContentType.objects.create(app_label="shop", model="cart")
    kind = ContentType.objects.create(app_label="shop", model="basket")
    Comment.objects.create(content_type=kind, object_id=1, text="lost")

    said = validate("--module=shop", "--check=content_types", "--fix-issues")

    assert said.status == 3
    assert not ContentType.objects.filter(model="cart").exists()
    assert ContentType.objects.filter(model="basket").exists()


def test_dry_run_says_what_would_be_fixed_and_writes_nothing(validate):
    note = dangling_note()

    said = validate("--module=shop", "--check=foreign_keys", "--fix-issues", "--dry-run")

    note.refresh_from_db()
    assert said.status == 3
    assert "would fix shop.Note.chat: set chat to NULL, 1 rows" in said.text
    assert note.chat_id == GONE
    assert images() == []


def test_without_fix_issues_nothing_changes(validate):
    note = dangling_note()

    said = validate("--module=shop")

    note.refresh_from_db()
    assert (said.status, note.chat_id, images()) == (3, GONE, [])


def test_more_rows_than_one_batch_holds(validate):
    with unwatched():
        Note.objects.bulk_create([Note(chat_id=GONE, text=str(n)) for n in range(2500)])

    said = validate("--module=shop", "--check=foreign_keys", "--fix-issues", "--json")

    (fixed,) = said.document["fixes"]
    assert (fixed["fixed"], fixed["left"]) == (2500, 0)
    assert len(lines_of(Path(fixed["before_image"]))) == 2502


def test_key_to_its_own_table_is_emptied(validate):
    chat = a_chat()
    with unwatched():
        Message.objects.create(chat=chat, reply_to_id=GONE, text="m")

    said = validate("--module=shop", "--check=foreign_keys", "--fix-issues")

    assert said.status == 0
    assert Message.objects.get().reply_to_id is None


def test_row_that_was_mended_after_it_was_found_is_not_touched():
    note = dangling_note()
    report = ForeignKeys().run(Scope("default", "shop"))
    chat = a_chat()
    Note.objects.update(chat=chat)

    (fixed,) = fix_findings(
        report, using="default", folder=get_conf().state_path, run="r", now=NOON
    )

    note.refresh_from_db()
    assert (fixed.fixed, fixed.left, note.chat_id) == (0, 0, chat.pk)


def test_row_whose_target_came_between_image_and_change_is_not_touched():
    """The statement that changes asks again: here the target comes with the first image."""
    note = dangling_note()
    report = ForeignKeys().run(Scope("default", "shop"))

    def bring_the_target():
        a_chat(pk=GONE)

    (fixed,) = fix_findings(
        report,
        using="default",
        folder=get_conf().state_path,
        run="r",
        now=NOON,
        between=bring_the_target,
    )

    note.refresh_from_db()
    assert (fixed.fixed, note.chat_id) == (0, GONE)


def test_fix_that_the_database_refuses_is_undone_and_told():
    Note.objects.create(text="n")
    refused = Fix(Note.objects.filter(~Q(text="")).order_by(), Note._meta.get_field("text"))
    report = CheckReport("own", "rows", 1, 1, findings=[Finding("shop.Note", "x", fix=refused)])

    (fixed,) = fix_findings(
        report, using="default", folder=get_conf().state_path, run="r", now=NOON
    )

    assert fixed.error
    assert (fixed.fixed, fixed.left) == (0, 1)
    assert [sorted(one) for one in lines_of(get_conf().state_path / "r-own.jsonl")] == [
        ["action", "at", "fix", "table"],
        ["row"],
    ]


@pytest.mark.django_db(transaction=False)
def test_inside_a_transaction_it_is_refused(validate):
    said = validate("--module=shop", "--check=foreign_keys", "--fix-issues", "--no-lock")

    assert said.status == 1
    assert "inside a transaction" in said.error


KILL = """
import os, signal, django
django.setup()
from django.core.management import call_command
from django.db import connection

def die(execute, sql, params, many, context):
    result = execute(sql, params, many, context)
    if sql.startswith("UPDATE") and "shop_note" in sql:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

with connection.execute_wrapper(die):
    call_command("validate_system", "--module=shop", "--check=foreign_keys", "--fix-issues")
"""


def test_killed_between_image_and_commit_leaves_the_row_and_its_image(run_python, validate):
    note = dangling_note()

    process = run_python(KILL)

    assert process.wait(60) == -9
    note.refresh_from_db()
    assert note.chat_id == GONE
    (image,) = images()
    assert [sorted(one) for one in lines_of(image)] == [["action", "at", "fix", "table"], ["row"]]
    assert validate("--module=shop", "--check=foreign_keys", "--fix-issues").status == 0


def test_image_holds_bytes_and_dates_as_text(validate, monkeypatch):
    from tests.system_ops.shop.models import Event

    Event.objects.create(name="e", created_at=NOON, blob=b"\x00\xff")
    fix = Fix(Event.objects.order_by())
    report = CheckReport("own", "rows", 1, 1, findings=[Finding("shop.Event", "x", fix=fix)])

    list(fix_findings(report, using="default", folder=get_conf().state_path, run="r", now=NOON))

    row = lines_of(get_conf().state_path / "r-own.jsonl")[1]["row"]
    assert row["blob"] == {"base64": "AP8="}
    assert "2026-05-04" in row["created_at"]
    assert connection.vendor
