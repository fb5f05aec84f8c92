"""``receive()``: a message that comes twice is acted upon once."""

import threading
import time

import pytest
from django.db import connection, connections, transaction
from django.db.transaction import TransactionManagementError

from django_outbox.inbox import receive
from django_outbox.models import Inbox
from tests.outbox.running import in_thread, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def receive_alone(message_id, consumer=""):
    with transaction.atomic():
        return receive(message_id, consumer)


def test_first_time_is_true_and_each_repetition_false():
    assert [receive_alone("m1") for _ in range(3)] == [True, False, False]
    assert Inbox.objects.count() == 1


def test_repetition_in_one_transaction_is_noticed_and_harms_nothing():
    with transaction.atomic():
        assert receive("m1")
        assert not receive("m1")
        assert receive("m2")

    assert Inbox.objects.count() == 2


def test_messages_of_each_consumer_and_each_case_are_their_own():
    assert receive_alone("m1")
    assert receive_alone("M1")
    assert receive_alone("m1", "billing")
    assert not receive_alone("m1", "billing")


def test_message_whose_transaction_was_rolled_back_was_never_received():
    with pytest.raises(ValueError, match="no"), transaction.atomic():
        assert receive("m1")
        raise ValueError("no")

    assert receive_alone("m1")


def test_savepoint_that_is_rolled_back_takes_the_note_with_it():
    with transaction.atomic():
        with pytest.raises(ValueError, match="no"), transaction.atomic():
            assert receive("m1")
            raise ValueError("no")
        assert receive("m1")

    assert not receive_alone("m1")


@pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls back"])
def test_second_receiver_waits_for_the_first_and_then_knows(commits):
    answers = []
    with transaction.atomic():
        assert receive("m1")
        second = in_thread(lambda: answers.append(receive_alone("m1")))
        wait_for_waiting(second)
        assert answers == []
        transaction.set_rollback(not commits)
    second.join()

    assert answers == [not commits]


def wait_for_waiting(thread: threading.Thread) -> None:
    """Return when the other transaction waits; on SQLite nobody can see that it does."""
    waiting = {
        "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted",
        "mysql": "SELECT count(*) FROM information_schema.innodb_lock_waits",
    }.get(connection.vendor)
    if waiting is None:
        assert thread.is_alive()
        return

    def is_waiting():
        # MariaDB shows what it showed last to whoever asks again within a tenth of a second.
        time.sleep(0.15)
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            return cursor.fetchone()[0]

    wait_for(is_waiting)


def test_many_receivers_at_once_agree_on_one():
    answers = []
    barrier = threading.Barrier(4, timeout=30)

    def all_of_them():
        barrier.wait()
        answers.extend((number, receive_alone(f"m{number}")) for number in range(20))

    threads = [in_thread(all_of_them) for _ in range(4)]
    for thread in threads:
        thread.join()

    assert sorted(number for number, is_first in answers if is_first) == list(range(20))
    assert len(answers) == 80


def test_there_has_to_be_a_transaction():
    with pytest.raises(TransactionManagementError, match=r"inside\s+transaction.atomic"):
        receive("m1")

    assert not Inbox.objects.exists()


@pytest.mark.parametrize(
    ("message_id", "consumer"),
    [("", ""), ("x" * 256, ""), ("a\x00", ""), (7, ""), ("m1", "x" * 101), ("m1", None)],
)
def test_name_that_cannot_be_stored_is_refused(message_id, consumer):
    with pytest.raises(ValueError, match="must be text of"):
        receive_alone(message_id, consumer)


def test_longest_names_fit():
    assert receive_alone("é" * 255, "é" * 100)
    assert not receive_alone("é" * 255, "é" * 100)


def test_database_may_be_named():
    with transaction.atomic(using="default"):
        assert receive("m1", using="default")
    assert connections["default"].in_atomic_block is False
