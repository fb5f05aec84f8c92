"""Every option, by call_command and on a command line; what is refused, what is said."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_system_ops.models import TenantMove, TenantMoveRow
from tests.system_ops.shop.models import Badge, Book, Footnote, Office, Person, Theme
from tests.system_ops.tenant_moves.conftest import (
    article,
    contents,
    migrate,
    said,
    stored_file,
    tenants,
    topic,
)

pytestmark = pytest.mark.django_db


def test_from_and_to_can_be_written_in_python():
    old, _ = tenants("old", "new")
    topic(old, "a")

    output = io.StringIO()
    call_command("migrate_tenant_data", **{"from": "old", "to": "new", "stdout": output})

    assert Theme.objects.filter(tenant__name="new").count() == 1
    assert "shop.Theme: 1 rows, 1 copied" in output.getvalue()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--type=topics"], "Say whose data goes to whom: --from TENANT --to TENANT."),
        (["--from=old"], "Say whose data goes to whom"),
        (["--from=old", "--to=old"], "are the same tenant, old"),
        (["--from=old", "--to=nobody"], "There is no tenant 'nobody'"),
        (["--from=old", "--to=all"], "--to 'all': name one tenant."),
        (["--from=old,new", "--to=new"], "--from 'old,new': name one tenant."),
        (["--from=old", "--to=new", "--type=topic"], "Did you mean topics?"),
        (["--from=old", "--to=new", "--type=people"], "shared by all tenants"),
        (["--from=old", "--to=new", "--type=all,topics"], "either all, or names"),
        (["--from=old", "--to=new", "--type=topics,"], "a name is empty"),
        (["--from=old", "--to=new", "--batch-size=0"], "must be 1 to 5000, got 0"),
        (["--from=old", "--to=new", "--database=no"], "there is no such one, but default"),
    ],
)
def test_what_cannot_be_is_wrong_usage(arguments, text):
    tenants("old", "new")

    with pytest.raises(CommandError) as caught:
        call_command("migrate_tenant_data", *arguments)

    assert (caught.value.returncode, text in str(caught.value)) == (2, True)


def test_type_names_one_or_several_and_all_is_the_default():
    old, new = tenants("old", "new")
    topic(old, "a")
    Office.objects.create(tenant=old, name="o")

    migrate("--type=topics")
    assert Office.objects.filter(tenant=new).count() == 0
    migrate("--type=topics,offices")
    assert Office.objects.filter(tenant=new).count() == 1
    migrate("--type=all")
    migrate()
    assert (Office.objects.count(), Theme.objects.count()) == (2, 2)


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_dry_run_says_what_the_run_then_does_and_changes_nothing(media, mode):
    old, new = tenants("old", "new")
    stored_file(media, "articles/a.txt")
    one = article(topic(old, "a"), file="articles/a.txt")
    Footnote.objects.create(target=one, text="x")
    Theme.objects.update(favourite=one)
    topic(new, "a")
    before, files = contents(), sorted(media.rglob("*"))

    dry = migrate(mode=mode, on_conflict="rename", dry_run=True)

    assert (contents(), sorted(media.rglob("*"))) == (before, files)
    assert not TenantMove.objects.exists()
    done = migrate(mode=mode, on_conflict="rename")
    assert (dry["status"], done["status"]) == (0, 0)
    for label, report in done["models"].items():
        counts = {key: value for key, value in report.items() if key != "sha256"}
        assert counts.items() <= dry["models"][label].items()
    assert dry["dry_run"] is True


def test_batch_size_of_one_gives_the_same():
    old, new = tenants("old", "new")
    first = topic(old, "a")
    for number in range(5):
        made = article(first, number)
        made.readers.add(Person.objects.create(name=str(number)))
        Footnote.objects.create(target=made, text=str(number))
    topic(old, "b", parent=first)

    found = migrate(batch_size=1)

    copy = Theme.objects.get(tenant=new, slug="a")
    assert found["status"] == 0
    assert [one.readers.get().name for one in copy.book_set.order_by("number")] == [*"01234"]
    assert Theme.objects.get(tenant=new, slug="b").parent == copy


def test_verify_only_compares_and_writes_nothing(media):
    old, new = tenants("old", "new")
    stored_file(media, "articles/a.txt")
    one = article(topic(old, "a"), file="articles/a.txt")

    found = migrate(verify_only=True)
    assert found["status"] == 3
    assert f"shop.Book {one.pk}: it has no copy" in found["findings"]

    migrate()
    assert migrate(verify_only=True)["status"] == 0

    before = contents()
    copy = Book.objects.get(topic__tenant=new)
    (media / copy.file.name).write_text("damaged")
    found = migrate(verify_only=True)
    assert found["findings"] == [
        f"shop.Book {copy.pk}: its file {copy.file.name} is not what was copied"
    ]
    (media / copy.file.name).unlink()
    found = migrate(verify_only=True)
    assert "is not there" in found["findings"][0]
    assert contents() == before


def test_verify_only_of_a_move_looks_for_links_across():
    old, new = tenants("old", "new")
    theirs = topic(new, "b", parent=topic(old, "a"))

    found = migrate(mode="move", verify_only=True)

    assert found["status"] == 3
    assert found["findings"] == [
        f"1 rows of shop.Theme of new, such as {theirs.pk}, point at shop.Theme of old by parent"
    ]


def test_link_across_that_somebody_made_is_found_by_the_check():
    old, new = tenants("old", "new")
    first = topic(old, "a")
    migrate()
    Theme.objects.filter(tenant=new).update(parent=first)

    found = migrate()

    assert found["status"] == 3
    assert any("which is not this tenant's" in text for text in found["findings"])
    assert any("point at shop.Theme of old by parent" in text for text in found["findings"])


def test_forget_makes_the_next_copy_a_new_one():
    old, new = tenants("old", "new")
    topic(old, "a")
    migrate()
    assert TenantMoveRow.objects.count() == 1

    assert "Would forget" in said("--forget", "--dry-run")
    assert TenantMoveRow.objects.count() == 1
    assert "Forgot what was copied from old to new" in said("--forget")

    assert not TenantMove.objects.exists()
    assert migrate()["status"] == 1
    migrate(on_conflict="rename")
    assert Theme.objects.filter(tenant=new).count() == 2


def test_output_for_people_names_models_and_findings():
    old, _ = tenants("old", "new")
    topic(old, "a", title="x")

    assert said("--dry-run") == (
        "shop.Theme: 1 rows, 1 copied\nNothing was changed: this was a dry run.\n"
    )
    said()
    Theme.objects.filter(tenant=old).update(title="y")
    text = said(status=3)
    assert "shop.Theme: 1 rows, 1 copied before" in text
    assert "FOUND: shop.Theme" in text
    assert "shop.Theme: 1 rows, compared" in said("--verify-only", status=3)
    Theme.objects.filter(tenant=old).delete()
    assert said() == "old has nothing of it: nothing to do.\n"


def test_empty_tables_are_no_trouble():
    tenants("old", "new")

    assert migrate()["status"] == 0
    assert migrate(mode="move")["status"] == 0


def test_hostile_values_are_values():
    old, new = tenants("old", "new")
    evil = "'; DROP TABLE shop_theme; --%s {0} \N{PILE OF POO}"
    article(topic(old, "a", title=evil[:50]), text=evil * 20)
    Badge.objects.create(code="a%b'\"\\", tenant=old)

    assert migrate(on_conflict="rename")["status"] == 0
    assert Book.objects.get(topic__tenant=new).text == evil * 20
    assert Badge.objects.get(tenant=new).code == "a%b'\"\\-2"


def queries_for(rows):
    old, new = Theme.objects.none(), None
    old, new = tenants(f"old{rows}", f"new{rows}")
    first = topic(old, "a")
    for number in range(rows):
        made = article(first, number)
        Footnote.objects.create(target=made, text="x")
    with CaptureQueriesContext(
        connection,
    ) as captured:
        found = migrate(source=old.name, target=new.name)
    assert found["status"] == 0
    return len(captured)


def test_queries_do_not_grow_with_the_rows_of_a_page():
    assert queries_for(3) == queries_for(30)


def test_document_is_one(capsys):
    old, _ = tenants("old", "new")
    topic(old, "a")

    call_command("migrate_tenant_data", "--json", "--from=old", "--to=new")

    document = json.loads(capsys.readouterr().out)
    assert (document["from"], document["to"], document["mode"]) == ("old", "new", "copy")
    assert document["models"]["shop.Theme"]["sha256"] != ""
