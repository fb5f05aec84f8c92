"""All of an export is of one moment, and nobody waits for it."""

import gc
import threading

import pytest
from django.db import DatabaseError, connection, connections, transaction

from django_system_ops.services.data_types import data_types
from django_system_ops.services.exporting import batches
from django_system_ops.services.exporting.orders import Order
from django_system_ops.services.exporting.running import export
from django_system_ops.services.snapshots import one_moment
from tests.system_ops.exporting.conftest import chat, rows
from tests.system_ops.shop.models import Chat, Message, Tag

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(work):
    """Do something on a connection of its own, and wait for it."""
    failed = []

    def run():
        try:
            work()
        except Exception as error:  # noqa: BLE001  # raised again by the test's own thread
            failed.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


@pytest.mark.parametrize("streams", [True, False])
def test_what_is_committed_meanwhile_is_in_no_file(streams, monkeypatch, tmp_path):
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 2)
    if not streams:
        monkeypatch.setattr(batches, "_can_stream", lambda using: False)
    for number in range(5):
        chat(str(number), messages=1)
    seen = []

    def meanwhile(count):
        seen.append(count)
        elsewhere(lambda: chat(f"meanwhile {len(seen)}", messages=1))
        elsewhere(lambda: Message.objects.filter(text="4 0").update(text="changed"))

    order = Order(["chats", "messages"], "jsonl", tmp_path / "x")
    export(order, check=lambda: None, advance=meanwhile)

    assert len(rows(tmp_path / "x" / "chats.jsonl")) == 5
    texts = [row["text"] for row in rows(tmp_path / "x" / "messages.jsonl")]
    assert texts == [f"{number} 0" for number in range(5)]
    assert Chat.objects.count() == 5 + len(seen)


def test_nobody_waits_for_an_export_to_end():
    with one_moment("default"):
        assert Tag.objects.count() == 0
        elsewhere(lambda: Tag.objects.create(name="x"))
        assert Tag.objects.count() == 0

    assert Tag.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_nothing_can_be_written_in_it():
    with pytest.raises(DatabaseError, match=r"(?i)read[- ]only"), one_moment("default"):
        Tag.objects.create(name="x")

    assert Tag.objects.count() == 0
    Tag.objects.create(name="y")


def test_the_connection_is_as_it_was_afterwards():
    with pytest.raises(KeyError), one_moment("default"):
        raise KeyError

    assert not connection.in_atomic_block
    Tag.objects.create(name="x")
    elsewhere(lambda: Tag.objects.create(name="y"))
    assert Tag.objects.count() == 2


@pytest.mark.parametrize("place", ["check", "advance"])
def test_an_export_that_fails_leaves_no_cursor_to_the_next_transaction(place, tmp_path):
    for number in range(3):
        chat(str(number))

    def fail(*_):
        raise KeyError(place)

    hooks = {"check": lambda: None, "advance": lambda _: None, place: fail}
    with pytest.raises(KeyError) as kept:
        export(Order(["chats"], "csv", tmp_path / "x"), **hooks)

    # Its traceback is still there, with all that it holds.
    with transaction.atomic():
        Tag.objects.create(name="x")
        del kept
        gc.collect()
        Tag.objects.create(name="y")
    assert Tag.objects.count() == 2


def test_the_moment_is_before_what_is_not_seen():
    with one_moment("default") as first:
        list(data_types())
    with one_moment("default") as second:
        pass

    assert first < second
