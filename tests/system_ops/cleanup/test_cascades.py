"""What goes along, what stays, who hears of it, and how many statements that takes."""

from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.models import signals
from django.test.utils import CaptureQueriesContext

from django_opskit.own_connections import close_own, own_connection
from django_system_ops.engine.cascading import Link, children_first
from django_system_ops.engine.pacing import Pace
from tests.system_ops.cleanup.conftest import CHATS, ago, attach, chats, clean, events, said
from tests.system_ops.shop.models import Attachment, Chat, Event, Invoice, Message, Note

pytestmark = pytest.mark.django_db


def test_protected_row_stays_is_named_and_the_others_go():
    found = chats(5, messages=1)
    Invoice.objects.create(chat=found[1], amount=1)
    Invoice.objects.create(chat=found[1], amount=2)
    Invoice.objects.create(chat=found[3], amount=3)

    done = clean("--type=chats", "--batch-size=2")

    assert (done["status"], done["complete"]) == (3, True)
    assert done["types"]["chats"]["protected"] == {"shop.Invoice.chat_id": 2}
    assert done["types"]["chats"]["kept"] == 2
    assert done["types"]["chats"]["left"] == 0
    assert "2 rows stay because others protect them" in done["sentence"]
    assert set(Chat.objects.all()) == {found[1], found[3]}
    assert Message.objects.count() == 2


def test_note_outlives_its_chat_and_is_counted():
    Note.objects.create(chat=chats(1)[0], text="n")

    assert clean()["types"]["chats"]["nulled"] == {"shop.Note.chat_id": 1}
    assert Note.objects.get().chat is None


def test_answer_goes_with_what_it_answers_in_a_chat_that_stays():
    old, new = chats(1, messages=1)[0], chats(1, days=1)[0]
    asked = old.messages.get()
    answer = Message.objects.create(chat=new, reply_to=asked, text="a")
    Message.objects.create(chat=new, reply_to=answer, text="b")

    assert clean()["types"]["chats"]["rows"]["shop.Message"] == 3
    assert Chat.objects.get() == new


def test_chat_of_very_many_messages_goes_in_pieces(monkeypatch):
    from django_system_ops.services.cleanup import batches

    monkeypatch.setattr(batches, "_ROWS_PER_STATEMENT", 50)
    chat = chats(1)[0]
    Message.objects.bulk_create(Message(chat=chat, text="m") for _ in range(400))
    Attachment.objects.bulk_create(
        Attachment(message=message) for message in Message.objects.all()[:200]
    )

    assert clean()["types"]["chats"]["rows"]["shop.Message"] == 400


def test_rows_that_take_nothing_along_go_in_pieces_too(monkeypatch, types):
    from django_system_ops.services.cleanup import batches

    monkeypatch.setattr(batches, "_ROWS_PER_STATEMENT", 50)
    types(chats={**CHATS, "delete_files": False})
    chats(1, messages=9)
    Attachment.objects.bulk_create(
        Attachment(message=message) for message in Message.objects.all() for _ in range(120)
    )

    with CaptureQueriesContext(connection) as seen:
        done = clean("--type=chats")

    assert done["types"]["chats"]["rows"]["shop.Attachment"] == 9 * 120
    pieces = [one for one in seen if "DELETE" in one["sql"] and "shop_attachment" in one["sql"]]
    assert len(pieces) > 4
    assert not Attachment.objects.exists()


@pytest.mark.parametrize("signal", [signals.pre_delete, signals.post_delete])
def test_signals_are_sent_where_somebody_listens_and_verbosity_2_says_so(signal):
    old = chats(3, messages=2)
    Invoice.objects.create(chat=old[1], amount=1)
    heard = []

    def listen(sender, instance, **kwargs):
        heard.append(instance.text)

    signal.connect(listen, sender=Message)
    try:
        counted = clean("--dry-run")
        assert heard == []
        done = clean("--batch-size=2")
        text = said("--dry-run", "--verbosity=2", status=3)
    finally:
        signal.disconnect(listen, sender=Message)

    assert sorted(heard) == ["0", "0", "1", "1"]
    assert (done["status"], done["types"]["chats"]["kept"]) == (3, 1)
    assert counted["types"]["chats"]["rows"] == done["types"]["chats"]["rows"]
    assert list(Chat.objects.all()) == [old[1]]
    assert "_delete of shop.Message is listened to" in text


@pytest.mark.django_db(transaction=True)
def test_files_go_after_their_rows_and_shared_ones_with_the_last(media):
    old, new = chats(2, messages=1), chats(1, days=1, messages=1)
    first = attach(old[0].messages.get(), "a/own.txt", media)
    attach(old[1].messages.get(), "a/shared.txt", media)
    attach(new[0].messages.get(), "a/shared.txt", media)

    counted = clean("--dry-run")["types"]["chats"]
    done = clean()["types"]["chats"]

    assert (done["files"], done["bytes"]) == (1, len("a/own.txt"))
    assert {name: counted[name] for name in ("files", "bytes", "rows", "nulled")} == {
        name: done[name] for name in ("files", "bytes", "rows", "nulled")
    }
    assert not (media / first.file.name).exists()
    assert (media / "a/shared.txt").exists()


@pytest.mark.django_db(transaction=True)
def test_file_that_cannot_be_removed_is_named_and_brings_no_row_back(media):
    message = chats(1, messages=1)[0].messages.get()
    attach(message, "gone/file.txt", media)
    (media / "gone/file.txt").unlink()
    (media / "gone/file.txt").mkdir()
    (media / "gone/file.txt/inside").write_text("in the way")

    done = clean()

    assert (done["status"], done["types"]["chats"]["failures"]) == (3, 1)
    assert done["types"]["chats"]["failed"][0].startswith("gone/file.txt: ")
    assert not Attachment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_files_stay_where_the_type_says_so(media, types):
    types(chats={**CHATS, "delete_files": False})
    attach(chats(1, messages=1)[0].messages.get(), "kept.txt", media)

    assert clean()["types"]["chats"]["files"] == 0
    assert (media / "kept.txt").exists()


def statements_of(count):
    chats(count, messages=3)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        clean("--type=chats", f"--batch-size={count}", "--jobs=1")
    return len(seen)


def test_number_of_statements_does_not_grow_with_the_rows_of_a_batch():
    statements_of(10)  # content types, and what else is asked for once

    assert statements_of(10) == statements_of(100)


def test_plain_rows_take_one_statement_a_batch():
    events(40)

    with CaptureQueriesContext(connection) as seen:
        clean("--type=events", "--batch-size=10", "--jobs=1")

    texts = [one["sql"] for one in seen if "shop_event" in one["sql"]]
    removing = [text for text in texts if text.startswith("DELETE") and "1 = 0" not in text]
    assert len(removing) == 4
    assert len([text for text in texts if text.startswith("SELECT")]) == 1  # where to begin and end


def test_gaps_between_keys_are_leapt_over():
    Event.objects.bulk_create(
        Event(pk=number * 10_000, name="e", created_at=ago(90)) for number in range(1, 41)
    )

    with CaptureQueriesContext(connection) as seen:
        done = clean("--type=events", "--batch-size=10", "--jobs=1")

    assert done["types"]["events"]["rows"] == {"shop.Event": 40}
    # Of 40,000 windows of ten keys.
    assert len([one for one in seen if "shop_event" in one["sql"]]) < 4 * 4096


@contextmanager
def held_by_somebody(row):
    """Hold a row from another connection."""
    other = own_connection("default")
    other.set_autocommit(False)
    table = other.ops.quote_name(row._meta.db_table)
    try:
        with other.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} WHERE id = %s FOR UPDATE", [row.pk])
            yield
    finally:
        close_own(other)


@pytest.mark.postgresql
@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_row_that_somebody_holds_stays_and_the_others_go():
    held, *_ = chats(3)

    with held_by_somebody(held):
        done = clean("--type=chats")

    assert done["types"]["chats"]["rows"]["shop.Chat"] == 2
    assert done["types"]["chats"]["left"] == 1
    assert Chat.objects.get() == held


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_plain_row_that_somebody_holds_stays_and_the_others_go():
    events(3)
    held = Event.objects.order_by("pk")[1]

    with held_by_somebody(held):
        done = clean("--type=events", "--jobs=1")

    assert done["types"]["events"]["rows"] == {"shop.Event": 2}
    assert done["types"]["events"]["left"] == 1
    assert Event.objects.get() == held


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_row_that_was_touched_meanwhile_stays(monkeypatch):
    """The age is asked for again by the statement that removes."""
    from django_system_ops.services.cleanup import statements

    events(2)
    touched = Event.objects.first()
    original = statements.LazyDelete.__call__

    def touch_first(*args):
        Event.objects.filter(pk=touched.pk).update(created_at=ago(0))
        return original(*args)

    monkeypatch.setattr(statements.LazyDelete, "__call__", touch_first)

    assert clean("--type=events")["types"]["events"]["rows"] == {"shop.Event": 1}
    assert Event.objects.get() == touched


def test_children_come_first_and_circles_are_cut_where_they_may_be_null():
    order = children_first(
        ["chat", "message", "tag"],
        [
            Link("message", "chat", "chat"),
            Link("chat", "message", "last", is_nullable=True),
            Link("message", "message", "reply", is_nullable=True),
            Link("message", "elsewhere", "x"),
        ],
    )

    assert order.nodes.index("message") < order.nodes.index("chat")
    assert {link.name for link in order.loose} == {"last", "reply"}


def test_circle_that_cannot_be_cut_keeps_its_order():
    links = [Link("a", "b"), Link("b", "a")]

    assert children_first(["a", "b"], links).nodes == ("a", "b")


def test_pace_gets_slower_and_quicker_within_its_bounds():
    pace = Pace(1000, target_seconds=0.1, least=100)

    pace.took(0.2)
    assert pace.size == 500
    for _ in range(9):
        pace.took(5)
    assert pace.size == 100
    pace.took(0.07)
    assert pace.size == 100
    for _ in range(20):
        pace.took(0.001)
    assert pace.size == 1000
