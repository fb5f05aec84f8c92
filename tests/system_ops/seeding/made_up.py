"""Steps and recipes of a shop."""

import errno
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.files.base import ContentFile

from tests.system_ops.shop.models import Attachment, Book, Chat, Event, Message, Tag, Theme
from tests.system_ops.studio.models import Portrait

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def tags(context: Any) -> None:
    """What all tenants share; one of them is for the site to decide."""
    context.ensure(Tag, {"name": "new"})
    context.ensure(Event, {"name": "begun"}, {"created_at": NOON}, fixed={"payload": {"by": "us"}})


def chats(context: Any) -> None:
    """One for each tenant."""
    for tenant in context.tenants:
        context.ensure(Chat, {"tenant": tenant, "title": "Welcome"}, {"updated_at": NOON})


def fails(context: Any) -> None:
    """Makes something, and then finds that it cannot."""
    context.ensure(Tag, {"name": "half"})
    raise ValueError("no more")


def demo(context: Any) -> None:
    """Three chats with messages, one with a file, and a tag that may be there."""
    tag = context.ensure(Tag, {"name": "demo"})
    chats = context.create(
        [
            Chat(
                tenant=context.tenant,
                title=f"Chat {context.random.randrange(1000)}",
                updated_at=context.today - timedelta(days=context.random.randrange(90)),
            )
            for _ in range(3)
        ]
    )
    chats[0].tags.add(tag)
    messages = context.create([Message(chat=one, text="hola") for one in chats for _ in range(2)])
    context.create([Attachment(message=messages[0], file=ContentFile(b"x", "demo.txt"))])


def demo_without_room(context: Any) -> None:
    """Names a file that is there, saves one, and has no room for the next."""
    demo(context)
    message = Message.objects.using(context.database).first()
    context.create(
        [
            Attachment(message=message, file="attachments/theirs.txt"),
            Attachment(message=message, file=ContentFile(b"x", "fits.txt")),
            Attachment(message=message, file=FullDisk(b"x", "none.txt")),
        ]
    )


if TYPE_CHECKING:
    _Bytes = ContentFile[bytes]
else:  # which Django 6.0 has for type checkers alone
    _Bytes = ContentFile


class FullDisk(_Bytes):
    """A file that nobody can write."""

    def chunks(self, chunk_size: int | None = None) -> Any:
        """Fail as a disk does that is full."""
        raise OSError(errno.ENOSPC, "No space left on device")


def demo_of_files(context: Any) -> None:
    """Names two files that it does not make, one of them as everybody has it, and saves one."""
    chat = context.create([Chat(tenant=context.tenant, title="x", updated_at=NOON)])[0]
    message = context.create([Message(chat=chat, text="look")])[0]
    context.create(
        [
            Attachment(message=message, file="attachments/logo.txt"),
            Attachment(message=message, file=ContentFile(b"x", "saved.txt")),
        ]
    )
    context.create([Portrait(), Portrait(file=ContentFile(b"x", "own.txt"))])


def demo_of_a_default(context: Any) -> None:
    """Saves the file that everybody has."""
    context.create([Portrait(file=ContentFile(b"x", "nobody.txt"))])


def demo_in_circles(context: Any) -> None:
    """Rows that point at each other: of two tables, of one, and the first at the last."""
    theme, other = context.create(
        [Theme(tenant=context.tenant, slug=slug) for slug in ("one", "two")]
    )
    book = context.create([Book(topic=theme, number=1)])[0]
    theme.favourite, theme.parent, other.parent = book, other, theme
    for one in (theme, other):
        one.save(using=context.database)
    book.related.add(book)


def demo_that_fails(context: Any) -> None:
    """Makes it all, and then fails."""
    demo(context)
    raise ValueError("no more")
