"""Copies that the other tenant does not have any more: they are a third one's, and stay so."""

import pytest

from django_system_ops.models import TenantMoveRow
from tests.system_ops.shop.models import Badge, Book, Flag, Footnote, Guide, Theme
from tests.system_ops.tenant_moves.conftest import article, contents, migrate, tenants, topic

pytestmark = pytest.mark.django_db


def moved(third):
    """Hand new's rows over to the third tenant."""
    assert migrate(source="new", target="third", mode="move")["status"] == 0


def reassigned(third):
    """Do as a customer's own code may."""
    Theme.objects.filter(tenant__name="new").update(tenant=third)


def theirs(third):
    """Return all that the third tenant has."""
    books = Book.objects.filter(topic__tenant=third)
    keys = [str(one.pk) for one in books]
    return [
        list(Theme.objects.filter(tenant=third).order_by("pk").values()),
        list(books.order_by("pk").values("pk", "topic_id", "number", "text")),
        list(Guide.objects.filter(topic__tenant=third).values("pk", "level")),
        list(Footnote.objects.filter(number__in=keys).order_by("pk").values()),
    ]


@pytest.mark.parametrize("give", [moved, reassigned])
@pytest.mark.parametrize("wish", ["error", "skip", "update", "rename"])
def test_row_of_a_third_tenant_is_no_copy(give, wish):
    old, new, third = tenants("old", "new", "third")
    first = topic(old, "a", title="first")
    one = article(first, 1)
    Guide.objects.create(topic=first, number=5, level=1)
    Footnote.objects.create(target=one, text="on one")
    Theme.objects.filter(pk=first.pk).update(favourite=one, parent=first)
    migrate()
    give(third)
    Theme.objects.filter(tenant=third).update(title="the customer's")
    Guide.objects.filter(topic__tenant=third).update(level=9)
    article(first, 2, text="later")
    Theme.objects.filter(pk=first.pk).update(title="changed")
    before = theirs(third)

    found = migrate(on_conflict=wish)

    copy = Theme.objects.get(tenant=new)
    assert (found["status"], found["sentence"], found["findings"]) == (0, "", [])
    assert theirs(third) == before
    assert (copy.title, copy.parent, copy.favourite.topic) == ("changed", copy, copy)
    assert sorted(copy.book_set.values_list("number", flat=True)) == [1, 2, 5]
    assert Guide.objects.get(topic=copy).level == 1
    assert Footnote.objects.filter(number=str(copy.book_set.get(number=1).pk)).count() == 1


def test_remark_is_whose_the_row_at_the_end_of_its_chain_is():
    old, _, third = tenants("old", "new", "third")
    remark = Footnote.objects.create(target=topic(old, "a"), text="on the topic")
    Footnote.objects.create(target=remark, text="on the remark")
    migrate()
    reassigned(third)
    Footnote.objects.filter(pk__gt=remark.pk + 1).update(text="the customer's")

    found = migrate(on_conflict="update")

    assert found["status"] == 0, found
    assert Footnote.objects.filter(text="the customer's").count() == 2
    assert Footnote.objects.filter(text="on the remark").count() == 2


def test_verify_only_says_that_what_was_given_away_is_missing():
    old, _, third = tenants("old", "new", "third")
    first = topic(old, "a")
    migrate()
    reassigned(third)

    found = migrate(verify_only=True)

    assert (found["status"], found["findings"]) == (
        3,
        [f"shop.Theme {first.pk}: it has no copy"],
    )


def test_move_forgets_of_every_pair_that_its_rows_are_copies():
    old, _, other, _ = tenants("old", "new", "other", "third")
    topic(old, "a")
    topic(other, "b")
    migrate()
    migrate(source="other")
    assert TenantMoveRow.objects.count() == 2

    migrate(source="new", target="third", mode="move", dry_run=True)
    assert TenantMoveRow.objects.count() == 2
    migrate(source="new", target="third", mode="move")

    assert not TenantMoveRow.objects.exists()


def test_key_that_somebody_else_uses_now_is_no_copy():
    old, new, third = tenants("old", "new", "third")
    Badge.objects.create(code="gold", tenant=old)
    migrate("--type=badges", on_conflict="rename")
    Badge.objects.filter(tenant=new).delete()
    Badge.objects.create(code="gold-2", tenant=third)

    found = migrate("--type=badges", on_conflict="rename")

    assert found["status"] == 0, found
    assert Badge.objects.get(tenant=new).code == "gold-3"
    assert Badge.objects.get(code="gold-2").tenant == third


def test_link_keeps_off_what_was_given_away():
    old, new, third = tenants("old", "new", "third")
    Flag.objects.create(tenant=old, target=topic(old, "a"))
    migrate("--type=topics")
    reassigned(third)
    before = contents(Theme)

    found = migrate("--type=flags")

    assert (found["status"], contents(Theme)) == (0, before)
    assert Flag.objects.get(tenant=new).target is None
