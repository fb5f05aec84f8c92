"""What the other tenant has already: refused, left, named anew, or brought up to date."""

import pytest
from django.utils import timezone

from tests.system_ops.shop.models import Badge, Book, Chat, Footnote, Office, Theme
from tests.system_ops.tenant_moves.conftest import (
    TYPES,
    article,
    contents,
    migrate,
    stored_file,
    tenants,
    topic,
)

pytestmark = pytest.mark.django_db


def of_new():
    return Theme.objects.filter(tenant__name="new").order_by("slug")


def test_error_names_the_row_and_the_ways_out_and_nothing_is_written():
    old, new = tenants("old", "new")
    for n in range(7):
        topic(old, f"a{n}")
        topic(new, f"a{n}")
    before = contents()

    found = migrate()

    assert (found["status"], contents()) == (1, before)
    first = Theme.objects.filter(tenant=old).first()
    assert (
        f"shop.Theme {first.pk}: the other tenant has shop.Theme.(slug) = 'a0' already"
        in (found["sentence"])
    )
    assert "--on-conflict=rename or --on-conflict=skip or --on-conflict=update" in found["sentence"]
    assert "more" in found["sentence"]


def test_skip_uses_the_row_that_is_there_and_leaves_it_as_it_is():
    old, new = tenants("old", "new")
    article(topic(old, "a", title="old's"), text="goes")
    theirs = topic(new, "a", title="new's")

    found = migrate(on_conflict="skip")

    assert found["status"] == 0, found
    assert [one.title for one in of_new()] == ["new's"]
    assert theirs.book_set.get().text == "goes"
    report = found["models"]["shop.Theme"]
    assert (report["rows"], report["copied"], report["adopted"]) == (1, 0, 1)


def test_update_makes_the_row_that_is_there_like_the_other():
    old, new = tenants("old", "new")
    article(topic(old, "a", title="old's"), text="goes")
    theirs = topic(new, "a", title="new's")
    Theme.objects.update(parent=theirs)
    Theme.objects.filter(tenant=old).update(parent=None)
    code = theirs.code

    found = migrate(on_conflict="update")

    theirs.refresh_from_db()
    assert found["status"] == 0, found
    assert (theirs.title, theirs.parent, theirs.code) == ("old's", None, code)
    assert found["models"]["shop.Theme"]["updated"] == 1


def test_rename_gives_the_copy_a_number_that_nobody_has():
    old, new = tenants("old", "new")
    topic(old, "a")
    topic(old, "a-3")
    for slug in ("a", "a-2"):
        topic(new, slug)

    found = migrate(on_conflict="rename")

    assert found["status"] == 0, found
    assert [one.slug for one in of_new()] == ["a", "a-2", "a-3", "a-4"]
    assert found["models"]["shop.Theme"]["renamed"] == 1


def test_number_has_room_in_a_text_that_is_full():
    old, new = tenants("old", "new")
    topic(old, "x" * 20)
    topic(new, "x" * 20)

    migrate(on_conflict="rename")

    assert sorted(one.slug for one in of_new()) == ["x" * 18 + "-2", "x" * 20]


def test_second_copy_of_a_renamed_row_does_not_name_it_anew():
    old, new = tenants("old", "new")
    topic(old, "a")
    topic(new, "a")
    migrate(on_conflict="rename")
    before = contents()

    found = migrate(on_conflict="rename")

    assert (found["status"], contents()) == (0, before)


@pytest.mark.parametrize("wish", ["error", "skip", "update"])
def test_key_that_is_unique_over_all_tenants_needs_a_rename(wish):
    old, _ = tenants("old", "new")
    Badge.objects.create(code="gold", tenant=old)
    before = contents()

    found = migrate("--type=badges", on_conflict=wish)

    assert (found["status"], contents()) == (1, before)
    assert "shop.Badge.(code) is unique over all tenants" in found["sentence"]
    assert "--on-conflict=rename or --mode=move" in found["sentence"]


def test_only_one_of_a_tenant_is_adopted_without_a_key_of_the_type():
    old, new = tenants("old", "new")
    for tenant in (old, new):
        Office.objects.create(tenant=tenant, name=tenant.name)

    assert migrate("--type=offices")["status"] == 1
    assert migrate("--type=offices", on_conflict="update")["status"] == 0
    assert Office.objects.get(tenant=new).name == "old"


def test_key_of_the_type_counts_where_the_database_keeps_nothing_unique(types):
    old, new = tenants("old", "new")
    chats = {"model": "shop.Chat", "tenant": "tenant", "key": ["title"]}
    shared = ["shop.Tag"]
    leave = ["shop.Message", "shop.Note", "shop.Invoice", "shop.Utterance"]
    types(chats=chats, moves={"shared": shared, "leave": leave})
    for tenant in (old, old, new):
        Chat.objects.create(tenant=tenant, title="same", updated_at=timezone.now())

    assert migrate()["status"] == 1
    found = migrate(on_conflict="rename")

    # Two of one key are two in the copy as well, and neither has the name of new's own.
    titles = sorted(Chat.objects.filter(tenant=new).values_list("title", flat=True))
    assert found["status"] == 0, found
    assert titles == ["same", "same-2", "same-3"]


def test_two_rows_cannot_adopt_the_same_one(types):
    old, new = tenants("old", "new")
    chats = {"model": "shop.Chat", "tenant": "tenant", "key": ["title"]}
    leave = ["shop.Message", "shop.Note", "shop.Invoice", "shop.Utterance"]
    types(chats=chats, moves={"shared": ["shop.Tag"], "leave": leave})
    for tenant in (old, old, new):
        Chat.objects.create(tenant=tenant, title="same", updated_at=timezone.now())

    found = migrate(on_conflict="skip")

    assert found["status"] == 1
    assert "Nothing was written" in found["sentence"]
    assert "has shop.Chat.(title) = 'same' already" in found["sentence"]
    assert Chat.objects.count() == 3


def test_rows_changed_since_are_found_and_updated_when_asked():
    old, _ = tenants("old", "new")
    first = topic(old, "a", title="before")
    one = article(first, facts={"a": 1}, text="x")
    other = article(first, 2, facts={"a": 1})
    migrate()
    Theme.objects.filter(pk=first.pk).update(title="after", slug="b", parent=first)
    Book.objects.filter(pk=one.pk).update(facts=None, text="longer", blob=b"b")
    Book.objects.filter(pk=other.pk).update(facts=[None])

    found = migrate()

    copy = of_new().get()
    assert found["status"] == 3
    assert f"its copy {copy.pk} differs in slug, title, parent_id" in "".join(found["findings"])
    found = migrate(on_conflict="update")

    assert (found["status"], found["models"]["shop.Theme"]["updated"]) == (0, 1)
    copy.refresh_from_db()
    assert (copy.title, copy.slug, copy.parent, copy.favourite) == ("after", "b", copy, None)
    now, then = copy.book_set.order_by("number")
    assert (now.facts, now.text, now.length, bytes(now.blob)) == (None, "longer", 6, b"b")
    assert then.facts == [None]
    assert Book.objects.filter(facts__isnull=True).count() == 2
    before = contents()
    assert migrate(on_conflict="update")["models"]["shop.Theme"]["updated"] == 0
    assert contents() == before


@pytest.mark.parametrize(("before", "after"), [(1, True), (3, 3.0), (False, 0), (2.5, "2.5")])
def test_json_that_python_takes_for_equal_is_found_and_brought_over(before, after):
    old, new = tenants("old", "new")
    one = article(topic(old, "a"), facts={"on": before})
    migrate()
    Book.objects.filter(pk=one.pk).update(facts={"on": after})

    assert migrate()["status"] == 3
    found = migrate(on_conflict="update")

    facts = Book.objects.get(topic__tenant=new).facts
    assert (found["status"], facts, type(facts["on"])) == (0, {"on": after}, type(after))
    assert found["models"]["shop.Book"]["updated"] == 1


def test_new_rows_follow_those_that_were_copied_before():
    old, _ = tenants("old", "new")
    first = topic(old, "a")
    migrate()
    Footnote.objects.create(target=article(first, text="later"), text="on it")

    found = migrate()

    copy = of_new().get().book_set.get()
    assert copy.text == "later"
    assert Footnote.objects.filter(number=str(copy.pk)).count() == 1
    assert found["models"]["shop.Theme"]["skipped"] == 1


def test_copy_that_somebody_removed_is_made_again():
    old, _ = tenants("old", "new")
    first = topic(old, "a")
    Theme.objects.filter(pk=first.pk).update(favourite=article(first), parent=first)
    migrate()
    of_new().delete()

    found = migrate()

    copy = of_new().get()
    assert found["status"] == 0
    assert (copy.favourite, copy.parent) == (copy.book_set.get(), copy)


def test_file_that_was_exchanged_is_copied_by_an_update(media):
    old, _ = tenants("old", "new")
    stored_file(media, "articles/a.txt", "one")
    stored_file(media, "articles/b.txt", "two")
    one = article(topic(old, "a"), file="articles/a.txt")
    migrate()
    Book.objects.filter(pk=one.pk).update(file="articles/b.txt")

    assert migrate()["status"] == 3
    found = migrate(on_conflict="update")

    copy = Book.objects.exclude(pk=one.pk).get()
    assert found["status"] == 0
    assert (media / copy.file.name).read_text() == "two"
    assert copy.file.name != "articles/b.txt"


def test_types_without_a_key_never_meet():
    old, new = tenants("old", "new")
    article(topic(old, "a"))
    article(topic(new, "b"))

    assert migrate(type=["topics", "articles"])["status"] == 0
    assert Book.objects.filter(topic__tenant=new).count() == 2
    assert "key" not in TYPES["articles"]
