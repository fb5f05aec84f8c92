"""Rows in two tables: both parts are copied, or both are the other tenant's already."""

import pytest

from django_system_ops.models import TenantMoveRow
from tests.system_ops.shop.models import Book, Guide, Theme
from tests.system_ops.tenant_moves.conftest import article, contents, migrate, tenants, topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    """Both tenants have a topic of one name."""
    old, new = tenants("old", "new")
    return topic(old, "a"), topic(new, "a")


@pytest.mark.parametrize(("wish", "level"), [("skip", 5), ("update", 3)])
def test_both_parts_of_a_row_are_adopted(pair, wish, level):
    mine, theirs = pair
    Guide.objects.create(topic=mine, number=7, text="old's", level=3)
    guide = Guide.objects.create(topic=theirs, number=7, text="new's", level=5)

    found = migrate(on_conflict=wish)

    assert (found["status"], found["findings"]) == (0, [])
    assert found["models"]["shop.Guide"]["adopted"] == 1
    guide.refresh_from_db()
    assert (guide.level, guide.text) == (level, "new's" if wish == "skip" else "old's")
    assert (Book.objects.count(), Guide.objects.count()) == (2, 2)
    before = contents()
    assert migrate(on_conflict=wish)["status"] == 0
    assert contents() == before


@pytest.mark.parametrize("wish", ["skip", "update"])
def test_row_of_another_kind_in_its_place_is_refused_before_anything_is_written(pair, wish):
    mine, theirs = pair
    article(mine, 1)
    guide = Guide.objects.create(topic=mine, number=7)
    plain = article(theirs, 7)
    before = contents()

    found = migrate(on_conflict=wish)

    assert (found["status"], contents()) == (1, before)
    assert found["sentence"].startswith("Nothing was written.")
    assert (
        f"shop.Guide {guide.pk}: shop.Book {plain.pk} of the other tenant has its place, and is no "
        "shop.Guide: change one of them yourself" in found["sentence"]
    )
    # What was adopted in vain is not adopted: an error run would use it otherwise.
    assert not TenantMoveRow.objects.exclude(new_pk="").exists()


@pytest.mark.parametrize("wish", ["error", "skip", "rename"])
def test_part_that_came_since_makes_no_other_kind_of_an_adopted_row(pair, wish):
    mine, theirs = pair
    one = article(mine, 7)
    plain = article(theirs, 7)
    migrate(on_conflict="skip")
    # The old tenant's row becomes a guide.
    Guide(book_ptr=one, level=2).save_base(raw=True)
    before = contents()

    found = migrate(on_conflict=wish)

    assert (found["status"], contents()) == (1, before)
    assert f"shop.Book {plain.pk} of the other tenant has its place" in found["sentence"]


def test_plain_row_adopts_the_plain_part(pair):
    mine, theirs = pair
    article(mine, 7, text="old's")
    guide = Guide.objects.create(topic=theirs, number=7, level=5)

    assert migrate(on_conflict="update")["status"] == 0

    guide.refresh_from_db()
    assert (guide.level, guide.text, Book.objects.count()) == (5, "old's", 2)


def test_place_under_a_topic_of_an_earlier_run_is_looked_at_first(pair):
    mine, theirs = pair
    migrate(on_conflict="skip")
    article(mine, 1)
    article(mine, 7)
    article(theirs, 7)
    before = contents()

    found = migrate(batch_size=1)

    assert (found["status"], contents()) == (1, before)
    assert f"shop.Book.(topic_id, number) = {theirs.pk}, 7 already" in found["sentence"]
    assert Theme.objects.count() == 2
