"""Copies: what goes along, what it points at afterwards, and what stays as it was."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db.models import JSONField, Value

from tests.system_ops.shop.models import (
    Award,
    Badge,
    Book,
    Flag,
    Footnote,
    Guide,
    Office,
    Person,
    Series,
    Theme,
    Volume,
)
from tests.system_ops.tenant_moves.conftest import (
    MOVES,
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


def of_new(model=Theme):
    return model.objects.filter(tenant__name="new")


def test_copy_has_the_values_and_keys_of_its_own():
    old, _ = tenants("old", "new")
    person = Person.objects.create(name="p")
    first = topic(old, "a", title="A", owner=person)

    found = migrate(type="topics")

    copy = of_new().get()
    assert (found["status"], found["sentence"]) == (0, "")
    assert (copy.slug, copy.title, copy.owner) == ("a", "A", person)
    assert copy.changed_at == first.changed_at == NOON
    assert copy.pk != first.pk
    assert copy.code != first.code
    assert found["models"]["shop.Theme"]["copied"] == 1


def test_what_hangs_on_a_row_goes_along():
    old, _ = tenants("old", "new")
    first = topic(old, "a")
    one = article(first, 1, text="one", facts={"a": [1, None]}, blob=b"\x00\xff", price="1.50")
    two = article(first, 2)
    one.related.add(two, one)
    one.readers.add(Person.objects.create(name="p"))
    Footnote.objects.create(target=one, text="on one")
    remark = Footnote.objects.create(target=first, text="on the topic")
    Footnote.objects.create(target=remark, text="on the remark")

    found = migrate("--type=topics")

    copy = of_new().get()
    new_one, new_two = copy.book_set.order_by("number")
    assert found["status"] == 0, found
    assert (new_one.text, new_one.facts, bytes(new_one.blob)) == (
        "one",
        {"a": [1, None]},
        b"\0\xff",
    )
    assert (new_one.length, new_two.facts) == (3, None)
    assert set(new_one.related.all()) == {new_one, new_two}
    assert [one.name for one in new_one.readers.all()] == ["p"]
    on_one, on_topic, on_remark = Footnote.objects.order_by("pk")[3:]
    texts = {one.text: one for one in (on_one, on_topic, on_remark)}
    assert texts["on one"].target == new_one
    assert texts["on the topic"].target == copy
    assert texts["on the remark"].target == texts["on the topic"]


def test_circles_are_closed_in_the_copy():
    old, _ = tenants("old", "new")
    first, second = topic(old, "a"), topic(old, "b")
    one = article(second)
    Theme.objects.filter(pk=first.pk).update(parent=second, favourite=one)
    Theme.objects.filter(pk=second.pk).update(parent=first)

    assert migrate()["status"] == 0

    a, b = of_new().order_by("slug")
    assert (a.parent, b.parent, a.favourite) == (b, a, b.book_set.get())
    assert a.changed_at == NOON


def test_row_in_two_tables_is_copied_in_both():
    old, _ = tenants("old", "new")
    guide = Guide.objects.create(topic=topic(old, "a"), number=7, level=3)

    found = migrate("--type=topics")

    copy = Guide.objects.exclude(pk=guide.pk).get()
    assert (copy.level, copy.number, copy.topic.tenant.name) == (3, 7, "new")
    assert found["models"]["shop.Guide"]["copied"] == 1
    assert Book.objects.count() == 2


def test_what_a_row_needs_comes_along_and_what_hangs_on_that_does_not():
    old, _ = tenants("old", "new")
    badge = Badge.objects.create(code="gold", tenant=old)
    first, other = article(topic(old, "a")), article(topic(old, "b"))
    Award.objects.create(badge=badge, article=first)
    Award.objects.create(badge=badge, article=other)
    article(first.topic, 2)

    found = migrate("--type=topics", on_conflict="rename")

    assert found["status"] == 0, found
    assert Badge.objects.get(tenant__name="new").code == "gold-2"
    assert Award.objects.filter(badge="gold-2").count() == 2
    assert found["models"]["shop.Badge"]["renamed"] == 1


def test_nullable_link_to_what_does_not_go_along_becomes_null_and_is_said(types):
    old, _ = tenants("old", "new")
    first, second = topic(old, "a", title="goes"), topic(old, "b")
    Theme.objects.filter(pk=first.pk).update(parent=second)
    types(**{**TYPES, "topics": {**TYPES["topics"], "filter": {"title": "goes"}}})

    found = migrate("--type=topics")

    assert of_new().get().parent is None
    assert found["models"]["shop.Theme"]["unlinked"] == {"shop.Theme.parent": 1}
    assert found["status"] == 0


def test_files_are_copied_under_names_of_their_own(media):
    old, _ = tenants("old", "new")
    stored_file(media, "articles/a.txt", "hello")
    one = article(topic(old, "a"), file="articles/a.txt")

    found = migrate("--type=topics")

    copy = Book.objects.exclude(pk=one.pk).get()
    assert copy.file.name != "articles/a.txt"
    assert copy.file.name.startswith("articles/a_")
    assert copy.file.name.endswith(".txt")
    assert (media / copy.file.name).read_text() == "hello"
    assert (media / "articles/a.txt").read_text() == "hello"
    assert found["models"]["shop.Book"]["files"] == 1


def test_missing_file_stops_it_before_anything_is_written(media):
    old, _ = tenants("old", "new")
    one = article(topic(old, "a"), file="articles/gone.txt")
    before = contents()

    found = migrate()

    assert found["status"] == 1
    assert f"shop.Book {one.pk}: its file articles/gone.txt is not there" in found["sentence"]
    assert contents() == before


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd"])
def test_file_outside_of_the_storage_is_never_read(name):
    old, _ = tenants("old", "new")
    article(topic(old, "a"), file=name)
    before = contents()

    found = migrate()

    assert (found["status"], contents()) == (1, before)
    assert f"its file {name} lies outside of its storage" in found["sentence"]


def test_other_tenants_and_the_source_stay_as_they_were():
    old, _, other = tenants("old", "new", "other")
    for tenant in (old, other):
        article(topic(tenant, "a"))
        Office.objects.create(tenant=tenant, name="o")
    before = contents()

    migrate()

    after = contents()
    for label, rows in before.items():
        assert rows == [row for row in after[label] if row in rows]
    assert Office.objects.get(tenant__name="new").name == "o"


@pytest.mark.parametrize("hidden", ["parent", "favourite", "number"])
def test_link_to_another_tenant_is_refused_before_anything_is_written(hidden):
    old, _, other = tenants("old", "new", "other")
    first = topic(old, "a")
    theirs = topic(other, "x")
    if hidden == "parent":
        Theme.objects.filter(pk=first.pk).update(parent=theirs)
        text = f"shop.Theme {first.pk}: parent is shop.Theme {theirs.pk}, which is not this tenant"
    elif hidden == "favourite":
        Theme.objects.filter(pk=first.pk).update(favourite=article(theirs))
        text = f"shop.Theme {first.pk}: favourite is shop.Book"
    else:
        badge = Badge.objects.create(code="gold", tenant=other)
        made = Award.objects.create(badge=badge, article=article(first))
        # Whose an award is its badge says: this one is not old's, and stays.
        Award.objects.filter(pk=made.pk).update(badge=Badge.objects.create(code="x", tenant=old))
        Footnote.objects.create(target=first, text="fine")
        first.book_set.get().related.add(article(theirs))
        text = "to_book is shop.Book"
    before = contents()

    found = migrate("--type=topics")

    assert found["status"] == 1
    assert found["sentence"].startswith("Nothing was written.")
    assert text in found["sentence"]
    assert contents() == before


def test_rows_that_are_left_stay_behind(types):
    old, _ = tenants("old", "new")
    Footnote.objects.create(target=topic(old, "a"), text="x")
    types(moves={"leave": ["shop.Footnote"]}, **TYPES)

    found = migrate("--type=topics")

    assert (found["status"], Footnote.objects.count()) == (0, 1)


def test_needed_row_comes_without_what_hangs_on_it():
    old, _ = tenants("old", "new")
    first = topic(old, "a")
    badge = Badge.objects.create(code="gold", tenant=old)
    Award.objects.create(badge=badge, article=article(first, 1))
    article(first, 2)
    Footnote.objects.create(target=first, text="stays")

    found = migrate("--type=awards", on_conflict="rename")

    copy = of_new().get()
    assert found["status"] == 0, found
    assert [one.number for one in copy.book_set.all()] == [1]
    assert Footnote.objects.count() == 1


def test_links_to_a_column_that_is_not_the_key_follow_its_new_value():
    old, _ = tenants("old", "new")
    series = Series.objects.create(tenant=old, code="c")
    Volume.objects.create(series=series)
    Volume.objects.create(series=series)

    found = migrate("--type=series", on_conflict="rename")

    assert found["status"] == 0, found
    assert Series.objects.get(tenant__name="new").code == "c-2"
    assert sorted(Volume.objects.values_list("series", flat=True)) == ["c", "c", "c-2", "c-2"]


def test_generic_keys_of_rows_that_say_themselves_whose_they_are():
    old, new = tenants("old", "new")
    person = Person.objects.create(name="p")
    first = topic(old, "a")
    for number, target in enumerate((first, person, old, None)):
        Flag.objects.create(tenant=old, target=target, facts={"n": number})

    found = migrate("--type=topics,flags")

    flags = Flag.objects.filter(tenant=new)
    assert found["status"] == 0, found
    assert {one.facts["n"]: one.target for one in flags} == {
        0: of_new().get(),
        1: person,
        2: new,
        3: None,
    }


def test_generic_key_to_what_does_not_go_along_becomes_null():
    old, new = tenants("old", "new")
    Flag.objects.create(tenant=old, target=topic(old, "a"))

    found = migrate("--type=flags")

    assert found["status"] == 0, found
    assert Flag.objects.get(tenant=new).target is None
    assert found["models"]["shop.Flag"]["unlinked"] == {"shop.Flag.target": 1}


def test_run_with_fewer_types_follows_what_another_has_copied(types):
    old, new = tenants("old", "new")
    first = topic(old, "a", title="goes")
    stays = topic(old, "b")
    Theme.objects.filter(pk=first.pk).update(parent=stays)
    Flag.objects.create(tenant=old, target=first)
    migrate("--type=topics,flags")
    before = contents()
    types(**{**TYPES, "topics": {**TYPES["topics"], "filter": {"title": "goes"}}})

    for wish in ("error", "update"):
        for kind in ("flags", "topics"):
            found = migrate(type=kind, on_conflict=wish)
            assert (found["status"], found["findings"], contents()) == (0, [], before)
            assert not any(one["unlinked"] for one in found["models"].values())
    assert Flag.objects.get(tenant=new).target == of_new().get(title="goes")


def test_copy_is_linked_to_what_an_earlier_run_with_other_types_has_copied():
    old, new = tenants("old", "new")
    Flag.objects.create(tenant=old, target=topic(old, "a"))
    migrate("--type=topics")

    found = migrate("--type=flags")

    assert (found["status"], found["models"]["shop.Flag"]["unlinked"]) == (0, {})
    assert Flag.objects.get(tenant=new).target == of_new().get()
    assert migrate()["status"] == 0


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("kind", ["tenant", "other tenant's", "nothing", "gone"])
def test_generic_key_to_another_tenant_or_to_nothing_is_refused(kind, mode):
    old, new, other = tenants("old", "new", "other")
    target = {"tenant": other, "other tenant's": topic(new, "x")}.get(kind, topic(old, "y"))
    flag = Flag.objects.create(tenant=old, target=target)
    if kind == "nothing":
        Flag.objects.update(number=10**9)
    elif kind == "gone":
        gone = ContentType.objects.create(app_label="gone", model="gone")
        Flag.objects.update(kind=gone)
    before = contents()

    found = migrate(mode=mode)

    assert (found["status"], contents()) == (1, before)
    assert f"shop.Flag {flag.pk}: target is" in found["sentence"]


def test_null_of_json_stays_where_no_null_can_be():
    old, new = tenants("old", "new")
    Flag.objects.create(tenant=old, facts=Value(None, JSONField()))

    assert migrate("--type=flags")["status"] == 0
    Flag.objects.filter(tenant=new).update(facts={"changed": 1})
    assert migrate("--type=flags", on_conflict="update")["status"] == 0

    assert Flag.objects.get(tenant=new).facts is None


@pytest.mark.parametrize(
    ("without", "moves", "text"),
    [
        ("articles", MOVES, "shop.Book"),
        ("people", MOVES, "shop.Theme.owner points at shop.Person, and nobody has said whose"),
        ("", {}, "number is shop.Theme"),
        ("", {}, "in ['generic'] if it belongs to what it points at"),
    ],
)
def test_model_of_which_nobody_said_whose_it_is_is_refused(types, without, moves, text):
    old, _ = tenants("old", "new")
    Footnote.objects.create(target=topic(old, "a"), text="x")
    types(**{name: one for name, one in TYPES.items() if name != without}, moves=moves)
    before = contents()

    found = migrate("--type=topics")

    assert (found["status"], contents()) == (1, before)
    assert text.replace("number is", "target is") in found["sentence"]
    assert "MANAGEMENT_COMMANDS" in found["sentence"]
