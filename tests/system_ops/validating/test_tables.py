"""Tables that are not what the models say, and rows that are not what the models promise."""

import re
from contextlib import contextmanager

import pytest
from django.db import connection, models

from tests.system_ops.shop.models import Chat, Invoice, Message, Note, Tag, Tenant
from tests.system_ops.validating.conftest import a_chat, unwatched

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def changed(change, back):
    """Change a table by the schema editor, and change it back."""
    with unwatched(), connection.schema_editor() as editor:
        change(editor)
    try:
        yield
    finally:
        with unwatched(), connection.schema_editor() as editor:
            back(editor)


def findings(said, check="schema"):
    return {one["object"]: one for one in said.check(check)["findings"]}


def test_tables_of_the_app_are_as_the_models_say(validate):
    said = validate("--module=shop", "--check=schema")

    assert said.status == 0
    assert re.fullmatch(r"PASS  schema: (\d\d) of \1 tables, 0 wrong\n", said.text)


def test_every_table_of_the_site_is_as_its_model_says(validate):
    said = validate("--check=schema", "--json")

    # What the database generates for itself is told, where it is a column: on MariaDB.
    assert [one for one in said.check("schema")["findings"] if one["level"] != "info"] == []
    assert said.status == 0


def test_missing_table_is_a_finding_of_every_check_that_needs_it(validate):
    with changed(lambda e: e.delete_model(Note), lambda e: e.create_model(Note)):
        said = validate("--module=shop", "--json", "--check=schema", "--check=foreign_keys")

    assert said.status == 3
    assert findings(said)["shop.Note"]["message"] == "the table shop_note is missing"
    assert "shop_note is missing" in findings(said, "foreign_keys")["shop.Note.chat"]["message"]
    covered = said.check("foreign_keys")["covered"]
    assert covered["looked_at"] == covered["total"] - 1


def test_missing_column_is_a_finding_of_every_check_that_needs_it(validate):
    field = Note._meta.get_field("chat")
    with changed(lambda e: e.remove_field(Note, field), lambda e: e.add_field(Note, field)):
        said = validate("--module=shop", "--json", "--check=schema", "--check=foreign_keys")

    assert "chat_id is missing" in findings(said)["shop.Note.chat"]["message"]
    assert "chat_id" in findings(said, "foreign_keys")["shop.Note.chat"]["message"]


def altered(model, name, other):
    """A field that is another in the database than in the model."""
    field = model._meta.get_field(name)
    other.set_attributes_from_name(name)
    other.model, other.opts = model, model._meta
    return changed(
        lambda e: e.alter_field(model, field, other), lambda e: e.alter_field(model, other, field)
    )


def test_column_that_may_be_null_and_must_not(validate):
    with altered(Message, "text", models.TextField(null=True)):
        said = validate("--module=shop", "--check=schema", "--json")

    message = findings(said)["shop.Message.text"]["message"]
    assert message == "the column text may be NULL in the table, and may not be NULL in the model"


def test_column_of_another_type(validate):
    with altered(Message, "text", models.IntegerField()):
        said = validate("--module=shop", "--check=schema", "--json")

    assert "should be" in findings(said)["shop.Message.text"]["message"]


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_column_that_is_too_short(validate):
    """SQLite lets any length in, whatever the column says."""
    with altered(Tag, "name", models.CharField(max_length=20, unique=True)):
        said = validate("--module=shop", "--check=schema", "--json")

    message = findings(said)["shop.Tag.name"]["message"]
    assert "(20), and should be varchar(50)" in message


def test_unknown_column_is_only_told(validate):
    field = models.IntegerField(null=True)
    field.set_attributes_from_name("extra")
    field.model = Note
    with changed(lambda e: e.add_field(Note, field), lambda e: e.remove_field(Note, field)):
        said = validate("--module=shop", "--check=schema")

    assert said.status == 0
    assert "info: shop.Note: has a column extra that the model does not know" in said.text


def test_missing_index(validate):
    with altered(Message, "chat", models.ForeignKey(Chat, models.CASCADE, db_index=False)):
        said = validate("--module=shop", "--check=schema", "--json")

    if connection.vendor == "mysql":  # InnoDB makes one for every foreign key
        assert said.status == 0
    else:
        assert "index" in findings(said)["shop.Message.chat"]["message"]


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_missing_foreign_key(validate):
    other = models.ForeignKey(Chat, models.CASCADE, db_constraint=False)
    with altered(Message, "chat", other):
        said = validate("--module=shop", "--check=schema", "--json")

    message = findings(said)["shop.Message.chat"]["message"]
    assert message == "the foreign key to shop_chat.id is missing"


def test_missing_unique_constraint_and_what_came_in_meanwhile(validate):
    with altered(Tag, "name", models.CharField(max_length=50)):
        Tag.objects.bulk_create([Tag(name=name) for name in ("a", "b", "b", "c", "c", "c")])
        said = validate("--module=shop", "--check=schema", "--check=constraints", "--json")
        Tag.objects.all().delete()

    assert "unique" in findings(said)["shop.Tag.name"]["message"]
    found = findings(said, "constraints")["shop.Tag.name"]
    assert (found["count"], found["examples"]) == (2, ["b", "c"])


def test_unique_constraints_of_the_database_are_counted_as_looked_at(validate):
    Tenant.objects.create(name="a")

    said = validate("--module=shop", "--check=constraints")

    # the names of tenants and tags, the pair of chat and tag, the amount of invoices
    # and those of the rooms that have tables of their own
    assert re.fullmatch(
        r"PASS  constraints: (\d\d) of \1 constraints, 1 rows, 0 wrong\n", said.text
    )


def test_row_that_breaks_a_check_constraint(validate, monkeypatch):
    rules = Invoice._meta.constraints
    monkeypatch.setattr(Invoice._meta, "constraints", [])
    with changed(
        lambda e: e.remove_constraint(Invoice, rules[0]),
        lambda e: e.add_constraint(Invoice, rules[0]),
    ):
        pk = Invoice.objects.create(chat=a_chat(), amount=-1).pk
        Invoice.objects.create(chat=a_chat(), amount=1)
        monkeypatch.setattr(Invoice._meta, "constraints", rules)
        said = validate("--module=shop", "--check=constraints", "--check=schema", "--json")
        Invoice.objects.all().delete()

    found = findings(said, "constraints")["shop.Invoice.shop_amount_positive"]
    assert (found["count"], found["examples"]) == (1, [str(pk)])
    assert "shop_amount_positive is missing" in findings(said)["shop.Invoice"]["message"]


def test_null_keeps_a_check_constraint(validate, monkeypatch):
    """CHECK refuses what is FALSE, and NULL is not."""
    Note.objects.create(chat=None, text="n")
    rule = models.CheckConstraint(condition=models.Q(chat__gt=5), name="shop_note_late")
    monkeypatch.setattr(Note._meta, "constraints", [rule])

    assert validate("--module=shop.Note", "--check=constraints").status == 0


def test_negated_condition_keeps_its_null(validate, monkeypatch):
    Note.objects.create(chat=None, text="n")
    bad = Note.objects.create(chat=a_chat(), text="n")
    rule = models.CheckConstraint(condition=~models.Q(chat=bad.chat_id), name="shop_note_late")
    monkeypatch.setattr(Note._meta, "constraints", [rule])

    said = validate("--module=shop.Note", "--check=constraints", "--json")

    (found,) = said.check("constraints")["findings"]
    assert found["examples"] == [str(bad.pk)]


def test_conditional_unique_constraint_that_the_database_lacks(validate, monkeypatch):
    Note.objects.bulk_create([Note(text=text) for text in ("x", "x", "y", "y", "z")])
    rule = models.UniqueConstraint(
        fields=["text"], condition=models.Q(text__lt="y"), name="shop_note_text"
    )
    monkeypatch.setattr(Note._meta, "constraints", [rule])

    said = validate("--module=shop.Note", "--check=constraints", "--json")

    (found,) = said.check("constraints")["findings"]
    assert (found["count"], found["examples"]) == (1, ["x"])


def test_partial_index_is_no_unique_constraint(validate, monkeypatch):
    if not connection.features.supports_partial_indexes:
        pytest.skip("it has no partial indexes")
    rule = models.UniqueConstraint(
        fields=["text"], condition=models.Q(text="x"), name="shop_note_text"
    )
    whole = models.UniqueConstraint(fields=["text"], name="shop_note_whole")
    monkeypatch.setattr(Note._meta, "constraints", [whole])
    Note.objects.bulk_create([Note(text="y"), Note(text="y")])
    with changed(lambda e: e.add_constraint(Note, rule), lambda e: e.remove_constraint(Note, rule)):
        said = validate("--module=shop.Note", "--check=constraints", "--json")

    assert findings(said, "constraints")["shop.Note.shop_note_whole"]["count"] == 1
