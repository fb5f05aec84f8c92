"""Files of copies: each row has its own, whatever was forgotten, given away or changed."""

import pytest

from django_system_ops.models import TenantMove
from tests.system_ops.shop.models import Book, Theme
from tests.system_ops.tenant_moves.conftest import (
    article,
    migrate,
    said,
    stored_file,
    tenants,
    topic,
)

pytestmark = pytest.mark.django_db


def texts(media, tenant):
    """Return what the files of a tenant's articles hold."""
    rows = Book.objects.filter(topic__tenant=tenant).order_by("pk")
    return [(media / one.file.name).read_text() for one in rows]


def test_copy_after_a_forgotten_one_leaves_its_file_alone(media):
    old, new = tenants("old", "new")
    article(topic(old, "a"), file=stored_file(media, "articles/a.txt", "first"))
    migrate()
    said("--forget")
    stored_file(media, "articles/a.txt", "second")

    assert migrate(on_conflict="rename")["status"] == 0

    assert texts(media, new) == ["first", "second"]
    assert texts(media, old) == ["second"]


def test_pair_that_was_forgotten_is_another_move():
    tenants("old", "new")
    migrate()
    before = TenantMove.objects.get().token
    migrate()
    assert TenantMove.objects.get().token == before

    said("--forget")
    migrate()

    assert TenantMove.objects.get().token != before


@pytest.mark.parametrize("content", ["first", "second"])
def test_file_of_a_copy_that_was_given_away_stays_its_own(media, content):
    old, new, third = tenants("old", "new", "third")
    article(topic(old, "a"), file=stored_file(media, "articles/a.txt", "first"))
    migrate()
    Theme.objects.filter(tenant=new).update(tenant=third)
    stored_file(media, "articles/a.txt", content)

    assert migrate()["status"] == 0

    assert (texts(media, third), texts(media, new)) == (["first"], [content])
    assert len(set(Book.objects.values_list("file", flat=True))) == 3


def test_file_that_no_row_names_any_more_is_written_anew(media):
    old, new = tenants("old", "new")
    article(topic(old, "a"), file=stored_file(media, "articles/a.txt", "first"))
    migrate()
    Theme.objects.filter(tenant=new).delete()
    stored_file(media, "articles/a.txt", "second")

    assert migrate()["status"] == 0

    assert texts(media, new) == ["second"]
    assert len(list(media.rglob("*.txt"))) == 2


def test_file_with_other_contents_is_found_and_brought_over(
    media, django_capture_on_commit_callbacks
):
    old, new = tenants("old", "new")
    one = article(topic(old, "a"), file=stored_file(media, "articles/a.txt", "first"))
    migrate()
    before = Book.objects.get(topic__tenant=new).file.name
    stored_file(media, "articles/a.txt", "second")

    found = migrate(verify_only=True)
    assert (found["status"], found["findings"]) == (
        3,
        [f"shop.Book {one.pk}: its file articles/a.txt has changed since it was copied"],
    )
    with django_capture_on_commit_callbacks(execute=True):
        dry = migrate(on_conflict="update", dry_run=True)
    assert (texts(media, new), dry["models"]["shop.Book"]["files"]) == (["first"], 1)
    with django_capture_on_commit_callbacks(execute=True):
        found = migrate(on_conflict="update")

    assert (found["status"], found["models"]["shop.Book"]["files"]) == (0, 1)
    assert texts(media, new) == ["second"]
    assert not (media / before).exists()
    assert migrate(verify_only=True)["status"] == 0
    again = migrate(on_conflict="update")
    assert (again["models"]["shop.Book"]["updated"], again["models"]["shop.Book"]["files"]) == (
        0,
        0,
    )


def test_copy_of_a_file_that_was_exchanged_or_taken_out_is_removed(
    media, django_capture_on_commit_callbacks
):
    old, new = tenants("old", "new")
    one = article(topic(old, "a"), file=stored_file(media, "articles/a.txt", "first"))
    migrate()
    for name, left in ((stored_file(media, "articles/b.txt", "second"), 3), ("", 2)):
        Book.objects.filter(pk=one.pk).update(file=name)
        with django_capture_on_commit_callbacks(execute=True):
            assert migrate(on_conflict="update")["status"] == 0
        assert len(list(media.rglob("*.txt"))) == left

    assert Book.objects.get(topic__tenant=new).file.name == ""
    assert migrate(verify_only=True)["status"] == 0


def test_replaced_copy_that_another_row_names_stays(media, django_capture_on_commit_callbacks):
    old, new = tenants("old", "new")
    article(topic(old, "a"), file=stored_file(media, "articles/a.txt", "first"))
    migrate()
    copy = Book.objects.get(topic__tenant=new)
    article(copy.topic, 7, file=copy.file.name)
    stored_file(media, "articles/a.txt", "second")

    with django_capture_on_commit_callbacks(execute=True):
        assert migrate(on_conflict="update")["status"] == 0

    assert texts(media, new) == ["second", "first"]


def test_copy_outlives_the_file_that_it_was_made_of(media):
    old, new = tenants("old", "new")
    one = article(topic(old, "a"), file=stored_file(media, "articles/a.txt", "first"))
    migrate()
    (media / "articles/a.txt").unlink()

    assert migrate(on_conflict="update")["status"] == 0
    assert migrate(verify_only=True)["findings"] == [
        f"shop.Book {one.pk}: its file articles/a.txt is gone since it was copied"
    ]
    assert texts(media, new) == ["first"]
