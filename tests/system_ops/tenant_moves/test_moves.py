"""Moves: the rows themselves change hands, or nothing does."""

import pytest

from tests.system_ops.shop.models import Award, Badge, Book, Flag, Footnote, Office, Person, Theme
from tests.system_ops.tenant_moves.conftest import (
    NOON,
    TYPES,
    article,
    contents,
    migrate,
    stored_file,
    tenants,
    topic,
)

pytestmark = pytest.mark.django_db


def move(*args, **options):
    return migrate("--mode=move", *args, **options)


def test_rows_keep_their_keys_and_everything_but_their_tenant(media):
    old, new = tenants("old", "new")
    stored_file(media, "articles/a.txt")
    first = topic(old, "a")
    one = article(first, file="articles/a.txt")
    one.readers.add(Person.objects.create(name="p"))
    Footnote.objects.create(target=one, text="x")
    Theme.objects.filter(pk=first.pk).update(favourite=one, parent=first)
    before = contents()

    found = move("--type=topics")

    assert (found["status"], found["sentence"]) == (0, "")
    after = contents()
    (row,) = after.pop("shop.Theme")
    (was,) = before.pop("shop.Theme")
    assert after == before
    assert tuple(new.pk if one == old.pk and n == 1 else one for n, one in enumerate(was)) == row
    assert Theme.objects.get().changed_at == NOON
    assert found["models"]["shop.Book"]["moved"] == 1


def test_finished_move_leaves_nothing_for_a_second_one():
    old, _ = tenants("old", "new")
    topic(old, "a")
    move()
    before = contents()

    found = move()

    assert (found["status"], contents()) == (0, before)
    assert sum(one["rows"] for one in found["models"].values()) == 0


@pytest.mark.parametrize("way", ["out", "in"])
def test_row_that_goes_and_row_that_stays_cannot_point_at_each_other(types, way):
    old, _ = tenants("old", "new")
    goes, stays = topic(old, "a", title="goes"), topic(old, "b")
    one, other = (goes, stays) if way == "out" else (stays, goes)
    Theme.objects.filter(pk=one.pk).update(parent=other)
    types(**{**TYPES, "topics": {**TYPES["topics"], "filter": {"title": "goes"}}})
    before = contents()

    found = move("--type=topics")

    assert (found["status"], contents()) == (1, before)
    assert "stays" in found["sentence"]
    assert f"shop.Theme {stays.pk}" in found["sentence"]
    assert "name more types, or use --mode=copy" in found["sentence"]


def test_place_that_is_taken_stops_the_move_or_gives_the_row_a_number():
    old, new = tenants("old", "new")
    first = topic(old, "a")
    topic(new, "a")
    before = contents()

    found = move()

    assert (found["status"], contents()) == (1, before)
    assert "the other tenant has shop.Theme.(slug) = 'a' already" in found["sentence"]
    assert "--on-conflict=rename" in found["sentence"]

    found = move(on_conflict="rename")

    first.refresh_from_db()
    assert (first.slug, first.tenant, found["status"]) == ("a-2", new, 0)
    assert found["models"]["shop.Theme"]["renamed"] == 1


def test_tenants_only_one_cannot_be_a_second_one():
    old, new = tenants("old", "new")
    for tenant in (old, new):
        Office.objects.create(tenant=tenant, name="o")
    before = contents()

    found = move("--type=offices", on_conflict="rename")

    assert (found["status"], contents()) == (1, before)
    assert "change one of them yourself" in found["sentence"]


def test_unique_over_all_tenants_is_no_conflict_when_the_row_itself_goes():
    old, new = tenants("old", "new")
    badge = Badge.objects.create(code="gold", tenant=old)
    Award.objects.create(badge=badge, article=article(topic(old, "a")))

    assert move()["status"] == 0
    assert Award.objects.get().badge.tenant == new
    assert Book.objects.get().topic.tenant == new


@pytest.mark.parametrize("wish", ["skip", "update"])
def test_moved_row_can_neither_stay_nor_become_another(wish):
    tenants("old", "new")

    found = move(on_conflict=wish)

    assert found["status"] == 2
    assert f"--on-conflict={wish} is for copies" in found["sentence"]


def test_move_whose_check_finds_something_has_not_been(monkeypatch):
    from django_system_ops.services.tenant_moves import moving

    old, _ = tenants("old", "new")
    first = topic(old, "a")
    update = moving.update_rows

    def too_much(node, *args, **options):
        update(node, *args, **options)
        Theme.objects.update(title="somebody else's")

    monkeypatch.setattr(moving, "update_rows", too_much)

    found = move()

    assert found["status"] == 3
    assert found["findings"] == [f"shop.Theme {first.pk}: after the move it differs in title"]
    assert "nothing was moved" in found["sentence"]
    assert Theme.objects.get().tenant == old


@pytest.mark.parametrize("of", ["topic", "article"])
def test_generic_key_of_a_type_that_takes_no_part_keeps_its_row_from_going(of):
    old, new = tenants("old", "new")
    first = topic(old, "a")
    target = article(first) if of == "article" else first
    flag = Flag.objects.create(tenant=old, target=target)
    before = contents()

    found = move("--type=topics")

    assert (found["status"], contents()) == (1, before)
    label = target._meta.label
    assert f"shop.Flag {flag.pk}: target is a row of {label} that goes" in found["sentence"]
    assert move("--type=topics,flags")["status"] == 0
    flag.refresh_from_db()
    assert (flag.tenant, flag.target) == (new, target)


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_generic_keys_across_are_found_by_the_check(batch_size):
    old, new = tenants("old", "new")
    mine, theirs = topic(old, "a"), topic(new, "b")
    remark = Footnote.objects.create(target=Footnote.objects.create(target=mine), text="x")
    first = Flag.objects.create(tenant=new, target=mine)
    Flag.objects.create(tenant=new, target=theirs)
    Flag.objects.create(tenant=new, target=topic(old, "c"))
    deep = Flag.objects.create(tenant=new, target=remark)
    back = Flag.objects.create(tenant=old, target=theirs)

    found = move("--type=offices", verify_only=True, batch_size=batch_size)

    assert (found["status"], sorted(found["findings"])) == (
        3,
        sorted(
            [
                f"2 rows of shop.Flag of new, such as {first.pk}, point at shop.Theme of old "
                "by target",
                f"1 rows of shop.Flag of new, such as {deep.pk}, point at shop.Footnote of old "
                "by target",
                f"1 rows of shop.Flag of old, such as {back.pk}, point at shop.Theme of new "
                "by target",
            ]
        ),
    )


def test_links_across_that_were_there_before_are_found():
    old, new = tenants("old", "new")
    topic(old, "a")
    theirs = topic(new, "b")
    other = topic(old, "c")
    Theme.objects.filter(pk=theirs.pk).update(parent=other)

    found = move()

    assert found["status"] == 1
    assert f"shop.Theme {theirs.pk}: parent is a row of shop.Theme that goes" in found["sentence"]
