"""
Messages from elsewhere, each acted upon once.

Whoever sends with care sends again when in doubt, so a consumer gets some messages twice. It
writes down what it has received, in the transaction of what it does about it::

    with transaction.atomic():
        if receive(message["id"], consumer="billing"):
            book(message)
"""

from django.db import connections, router
from django.db.transaction import TransactionManagementError

from django_opskit.clock import NOW_SQL
from django_outbox.models import Inbox

__all__ = ["receive"]

_INSERT = {
    "postgresql": "INSERT INTO outbox_inbox {values} ON CONFLICT DO NOTHING",
    "sqlite": "INSERT INTO outbox_inbox {values} ON CONFLICT DO NOTHING",
    "mysql": "INSERT IGNORE INTO outbox_inbox {values}",
}
_VALUES = "(consumer, message_id, received_at) VALUES (%s, %s, {now})"


def receive(message_id: str, consumer: str = "", using: str | None = None) -> bool:
    """
    Note that a message has come; return False when it had come before.

    The note belongs to the caller's transaction: when that is rolled back, the message counts as
    never received. While another transaction receives the same message, this one waits for its
    end.

    Args:
        message_id: what the sender calls it, 1 to 255 characters; case matters.
        consumer: who receives it, where one database has several, at most 100 characters.
        using: the database; by default where the router writes :class:`Inbox`.

    Raises:
        TransactionManagementError: there is no transaction. The note would stay when what is
            done about the message fails.
        ValueError: the message_id or the consumer cannot be stored.
    """
    _check("message_id", message_id, shortest=1, longest=255)
    _check("consumer", consumer, shortest=0, longest=100)
    connection = connections[using or router.db_for_write(Inbox)]
    if connection.get_autocommit() and not connection.in_atomic_block:
        raise TransactionManagementError(
            "receive() needs a transaction: put it and what is done about the message inside "
            "transaction.atomic()."
        )
    now = NOW_SQL[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT[connection.vendor].format(values=_VALUES.format(now=now)),
            (consumer, message_id),
        )
        return bool(cursor.rowcount == 1)


def _check(name: str, value: object, *, shortest: int, longest: int) -> None:
    if not isinstance(value, str) or not shortest <= len(value) <= longest or "\x00" in value:
        raise ValueError(
            f"{name} must be text of {shortest} to {longest} characters without NUL, got {value!r}."
        )
