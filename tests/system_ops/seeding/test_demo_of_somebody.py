"""setup_demo_data --remove where people have gone on with what the demo made."""

from contextlib import contextmanager

import pytest
from django.db import connection, models
from django.utils import timezone

from django_system_ops.models import SeededRow
from tests.system_ops.seeding.conftest import HERE, run
from tests.system_ops.shop.models import Attachment, Book, Chat, Message, Tag, Tenant, Theme

pytestmark = pytest.mark.django_db(transaction=True)

ALLOWED = "--allow-production"


@pytest.fixture(autouse=True)
def tenant(shop):
    return Tenant.objects.create(name="acme")


@pytest.fixture
def chat(tenant):
    """The first chat of the demo: it has two messages, a file and a tag."""
    run("setup_demo_data", ALLOWED)
    return Chat.objects.earliest("pk")


def contents(chat):
    return (
        chat.messages.count(),
        Attachment.objects.filter(message__chat=chat).count(),
        [one.name for one in chat.tags.all()],
    )


def test_row_that_was_changed_stays_with_its_contents(chat, media):
    Chat.objects.filter(pk=chat.pk).update(title="Ours now")

    found = run("setup_demo_data", "--remove")

    assert (found["status"], found["changed"]) == (3, {"shop.Chat": 1})
    assert found["hanging"] == {"shop.Message": 2, "shop.Attachment": 1}
    assert found["held"] == {"shop.Chat.tags": 1}
    assert (Chat.objects.get(), contents(chat)) == (chat, (2, 1, ["demo"]))
    assert Message.objects.count() == 2
    assert (media / "attachments" / "demo.txt").exists()
    # Nothing has changed by that, and all of it is noted still.
    assert run("setup_demo_data", "--remove")["removed"] == {}
    assert run("setup_demo_data", "--remove", "--changed-too")["status"] == 0
    assert (Chat.objects.count(), SeededRow.objects.count()) == (0, 0)
    assert not (media / "attachments" / "demo.txt").exists()


def test_row_that_somebody_has_added_to_stays_with_its_contents(chat):
    mine = Message.objects.create(chat=chat, text="and what about me?")

    found = run("setup_demo_data", "--remove")

    assert (found["status"], found["held"]["shop.Message.chat"]) == (3, 1)
    assert found["hanging"] == {"shop.Message": 2, "shop.Attachment": 1}
    assert (Chat.objects.get(), contents(chat)) == (chat, (3, 1, ["demo"]))
    mine.delete()
    assert run("setup_demo_data", "--remove")["status"] == 0


def test_what_a_changed_row_points_at_stays_and_not_the_rest_of_it(chat):
    message = chat.messages.latest("pk")
    Message.objects.filter(pk=message.pk).update(text="better")

    found = run("setup_demo_data", "--remove")

    assert (found["changed"], found["hanging"]) == ({"shop.Message": 1}, {})
    assert found["held"] == {"shop.Message.chat": 1, "shop.Chat.tags": 1}
    assert (list(Message.objects.all()), Chat.objects.get()) == ([message], chat)


def test_tag_that_somebodys_row_has_stays(chat, tenant):
    mine = Chat.objects.create(tenant=tenant, title="Mine", updated_at=timezone.now())
    mine.tags.add(Tag.objects.get())

    found = run("setup_demo_data", "--remove")

    assert (found["status"], found["held"]) == (3, {"shop.Chat.tags": 1})
    assert [one.name for one in mine.tags.all()] == ["demo"]
    assert Chat.objects.get() == mine


def test_demo_of_another_tenant_holds_what_it_points_at_and_nothing_else(tenant):
    Tenant.objects.create(name="zenith")
    run("setup_demo_data", ALLOWED)

    found = run("setup_demo_data", "--remove", "--tenant=acme")

    assert (found["held"], found["hanging"]) == ({"shop.Chat.tags": 1}, {})
    assert {one.tenant.name for one in Chat.objects.all()} == {"zenith"}
    assert Chat.objects.filter(tags__name="demo").count() == 1
    assert run("setup_demo_data", "--remove")["status"] == 0


@contextmanager
def one_more_column(model):
    field = models.CharField(max_length=5, default="new")
    field.set_attributes_from_name("extra")
    with connection.schema_editor() as editor:
        field.contribute_to_class(model, "extra")
        editor.add_field(model, field)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.remove_field(model, field)
        model._meta.local_fields.remove(field)
        model._meta._expire_cache()
        del model.extra


def test_column_that_was_added_or_removed_since_changes_no_row(tenant):
    with one_more_column(Chat):
        run("setup_demo_data", ALLOWED)
    with one_more_column(Message):
        Message.objects.filter(pk=Message.objects.latest("pk").pk).update(text="better")

        found = run("setup_demo_data", "--remove")

    assert (found["status"], found["changed"]) == (3, {"shop.Message": 1})
    assert (Message.objects.count(), Chat.objects.count()) == (1, 1)


def test_rows_that_point_at_each_other_go_together(configure):
    configure(demo={"recipes": [f"{HERE}.demo_in_circles"]})
    run("setup_demo_data", ALLOWED)

    found = run("setup_demo_data", "--remove")

    assert (found["status"], found["held"]) == (0, {})
    assert found["removed"] == {"shop.Theme": 2, "shop.Book": 1}
    assert (Theme.objects.count(), Book.objects.count()) == (0, 0)


def test_circle_of_which_a_row_was_changed_stays_whole(configure):
    configure(demo={"recipes": [f"{HERE}.demo_in_circles"]})
    run("setup_demo_data", ALLOWED)
    Book.objects.update(text="ours")

    found = run("setup_demo_data", "--remove")

    assert (found["status"], found["changed"], found["removed"]) == (3, {"shop.Book": 1}, {})
    assert Theme.objects.get(slug="one").favourite == Book.objects.get()
    assert Theme.objects.get(slug="one").parent == Theme.objects.get(slug="two")
