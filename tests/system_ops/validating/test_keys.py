"""Keys that refer to nothing, of every kind."""

import re

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Manager
from django.test.utils import CaptureQueriesContext

from django_system_ops.services.validating.foreign_keys import keys_of
from tests.system_ops.shop.models import Attachment, Chat, Comment, Message, Note
from tests.system_ops.validating.conftest import NOON, a_chat, unwatched

pytestmark = pytest.mark.django_db(transaction=True)

GONE = 987_654


class Hiding(Manager[Note]):
    """A manager that shows nothing."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def get_queryset(self):
        return super().get_queryset().none()


def test_every_key_of_the_app_is_covered_and_counted(validate):
    a_chat()

    said = validate("--module=shop", "--check=foreign_keys")

    keys = sum(len(list(keys_of(one))) for one in apps.get_app_config("shop").get_models(True))
    assert said.status == 0
    assert keys > 9
    assert said.text == f"PASS  foreign_keys: {keys} of {keys} keys, 1 rows, 0 wrong\n"


def test_dangling_key_is_found_with_its_rows(validate):
    chat = a_chat()
    message = Message.objects.create(chat=chat, text="m")
    with unwatched():
        lost = Attachment.objects.create(message_id=GONE)
    Attachment.objects.create(message=message)

    said = validate("--module=shop", "--check=foreign_keys", "--json")

    (found,) = said.check("foreign_keys")["findings"]
    assert said.status == 3
    assert (found["object"], found["count"]) == ("shop.Attachment.message", 1)
    assert found["examples"] == [str(lost.pk)]
    assert found["sql"].startswith("DELETE FROM ")
    assert not found["is_fixable"]


def test_the_statement_that_is_shown_removes_just_those_rows(validate):
    kept = Attachment.objects.create(message=Message.objects.create(chat=a_chat(), text="m"))
    with unwatched():
        Attachment.objects.create(message_id=GONE)
    (found,) = validate("--check=foreign_keys", "--json").check("foreign_keys")["findings"]

    with connection.cursor() as cursor:
        cursor.execute(found["sql"])

    assert list(Attachment.objects.all()) == [kept]


def test_null_refers_to_nothing_and_is_well(validate):
    Note.objects.create(chat=None, text="n")

    assert validate("--module=shop", "--check=foreign_keys").status == 0


def test_table_between_many_to_many_is_looked_at_from_both_sides(validate):
    with unwatched():
        Chat.tags.through.objects.create(chat_id=GONE, tag_id=GONE)

    said = validate("--module=shop", "--check=foreign_keys", "--json")

    found = {one["object"] for one in said.check("foreign_keys")["findings"]}
    assert found == {"shop.Chat.tags.chat", "shop.Chat.tags.tag"}


def test_key_to_its_own_table(validate):
    with unwatched():
        Message.objects.create(chat=a_chat(), reply_to_id=GONE, text="m")

    said = validate("--module=shop.Message", "--check=foreign_keys", "--json")

    assert [one["object"] for one in said.check("foreign_keys")["findings"]] == [
        "shop.Message.reply_to"
    ]


def test_managers_of_the_site_leave_nothing_out(validate, monkeypatch):
    with unwatched():
        Note.objects.create(chat_id=GONE, text="hidden")
    for name in ("base_manager", "default_manager"):
        monkeypatch.setitem(Note._meta.__dict__, name, Hiding(Note))
    assert not Note._base_manager.exists()

    assert validate("--module=shop.Note", "--check=foreign_keys").status == 3


def test_generic_key_is_followed_into_each_kind(validate):
    chat = a_chat()
    Comment.objects.create(target=chat, text="here")
    Comment.objects.create(
        content_type=ContentType.objects.get_for_model(Note), object_id=GONE, text="lost"
    )

    said = validate("--module=shop", "--check=generic_keys", "--json")

    check = said.check("generic_keys")
    assert said.status == 3
    assert check["covered"] == {"unit": "links", "looked_at": 5, "total": 5, "rows": 2}
    assert [(one["object"], one["count"]) for one in check["findings"]] == [
        ("shop.Comment.target -> shop.Note", 1)
    ]


def test_generic_key_to_a_removed_model_is_found(validate):
    kind = ContentType.objects.create(app_label="shop", model="basket")
    Comment.objects.create(content_type=kind, object_id=1, text="lost")

    said = validate("--module=shop", "--check=generic_keys", "--json")

    (found,) = said.check("generic_keys")["findings"]
    assert found["object"] == "shop.Comment.target -> shop.basket"
    assert "removed" in found["message"]


def test_stale_content_type_says_what_refers_to_it(validate):
    ContentType.objects.create(app_label="shop", model="cart")
    kind = ContentType.objects.create(app_label="shop", model="basket")
    Comment.objects.create(content_type=kind, object_id=1, text="lost")

    said = validate("--module=shop", "--check=content_types", "--json")

    found = {one["object"]: one for one in said.check("content_types")["findings"]}
    assert "shop.Comment.content_type" in found["shop.basket"]["message"]
    assert found["contenttypes.ContentType"]["is_fixable"]
    assert found["contenttypes.ContentType"]["count"] == 1


def test_sample_names_so_many_rows_and_counts_all(validate):
    with unwatched():
        Note.objects.bulk_create([Note(chat_id=GONE, text=str(n)) for n in range(40)])

    said = validate("--module=shop", "--check=foreign_keys", "--sample=16", "--json")

    (found,) = said.check("foreign_keys")["findings"]
    assert (found["count"], len(found["examples"])) == (40, 16)


def test_number_of_queries_does_not_grow_with_the_rows(validate):
    arguments = ["--module=shop", "--json"]
    arguments += [f"--check={one}" for one in ("foreign_keys", "generic_keys", "constraints")]
    arguments += ["--check=schema", "--check=content_types", "--check=files", "--check=choices"]
    chat = a_chat()
    note = Note.objects.create(chat=chat, text="n")
    with unwatched():
        Note.objects.create(chat_id=GONE, text="n")
    Comment.objects.create(target=note, text="c")
    validate(*arguments)  # it makes the row of its lock
    with CaptureQueriesContext(connection) as few:
        validate(*arguments)
    Chat.objects.bulk_create(
        [Chat(tenant=chat.tenant, title=str(n), updated_at=NOON) for n in range(300)]
    )
    with unwatched():
        Note.objects.bulk_create([Note(chat_id=GONE, text=str(n)) for n in range(300)])
    kind = ContentType.objects.get_for_model(Note)
    Comment.objects.bulk_create(
        [Comment(content_type=kind, object_id=note.pk, text=str(n)) for n in range(300)]
    )

    with CaptureQueriesContext(connection) as many:
        validate(*arguments)

    assert len(many) == len(few)


def test_empty_database_passes_and_says_that_there_were_no_rows(validate):
    said = validate("--module=shop", "--check=foreign_keys")

    assert said.status == 0
    assert re.search(r"(\d+) of \1 keys, 0 rows", said.text)


class Elsewhere:
    """A router as many sites have it: where to read and write, and nothing else."""

    def db_for_read(self, model, **_hints):
        return "crm" if model is Chat else None

    db_for_write = db_for_read


def test_key_to_a_model_that_is_read_elsewhere_is_not_judged_and_not_mended(validate, settings):
    with unwatched():
        note = Note.objects.create(chat_id=GONE, text="n")
    settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]

    said = validate("--module=shop", "--check=foreign_keys", "--fix-issues")

    assert "to a model in another database" in said.text
    assert Note.objects.get().chat_id == note.chat_id == GONE
