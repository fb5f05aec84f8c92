"""Whatever the rows look like: nothing leaks, nobody else's row changes, the copy is the same."""

import io

import pytest
from django.conf import settings as site
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_system_ops.models import TenantMoveRow
from tests.system_ops.cleanup.graphs import undone
from tests.system_ops.shop.models import (
    Award,
    Badge,
    Book,
    Footnote,
    Guide,
    Office,
    Person,
    Tenant,
    Theme,
)
from tests.system_ops.tenant_moves.conftest import MODELS, THROUGHS, contents

NAMES = ("old", "new", "other")
few = st.integers(0, 30)
maybe = st.none() | few
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)

# Positions count within the tenant's own rows, modulo how many there are.
PLOTS = st.fixed_dictionaries(
    {
        "topics": st.lists(st.tuples(maybe, maybe, maybe, texts), max_size=5),
        "articles": st.lists(
            st.tuples(few, texts, st.none() | st.lists(texts, max_size=2), st.booleans(), maybe),
            max_size=6,
        ),
        "related": st.lists(st.tuples(few, few), max_size=4),
        "readers": st.lists(st.tuples(few, few), max_size=4),
        "awards": st.lists(few, max_size=3),
        "remarks": st.lists(st.tuples(few, few), max_size=5),
        "office": st.booleans(),
    }
)

# On a server each example takes seconds, and its rolled back rows are in the way of the next one.
with_database = settings(
    max_examples=10 if site.DATABASE == "sqlite" else 5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def at(rows, place):
    return rows[place % len(rows)] if rows and place is not None else None


def plant(tenant, plot, people):
    """Make a tenant's rows, and return its topics and articles."""
    topics = [
        Theme.objects.create(tenant=tenant, slug=f"s{n}", title=title, owner=at(people, owner))
        for n, (_, _, owner, title) in enumerate(plot["topics"])
    ]
    articles: list[Book] = []
    for n, (place, text, facts, is_guide, file) in enumerate(plot["articles"]):
        if topics:
            name = "" if file is None else f"articles/{file}.txt"
            model = Guide if is_guide else Book
            articles.append(
                model.objects.create(
                    topic=at(topics, place), number=n, text=text, facts=facts, file=name
                )
            )
    for topic, (parent, favourite, _, _) in zip(topics, plot["topics"], strict=True):
        values = {"parent": at(topics, parent), "favourite_id": key_of(at(articles, favourite))}
        Theme.objects.filter(pk=topic.pk).update(**values)
    links(articles, plot, people)
    badge = Badge.objects.create(code=f"badge {tenant.name}", tenant=tenant)
    for place in plot["awards"]:
        if articles:
            Award.objects.create(badge=badge, article_id=key_of(at(articles, place)))
    targets: list[models.Model] = [*topics, *articles, badge]
    for kind, place in plot["remarks"]:
        targets.append(Footnote.objects.create(target=at(targets, place + kind), text=tenant.name))
    if plot["office"]:
        Office.objects.create(tenant=tenant, name="o")
    return topics, articles


def links(articles, plot, people):
    related, readers = THROUGHS
    pairs = {(at(articles, a).pk, at(articles, b).pk) for a, b in plot["related"] if articles}
    for a, b in sorted(pairs):
        related.objects.create(from_book_id=a, to_book_id=b)
    pairs = {(at(articles, a).pk, at(people, b).pk) for a, b in plot["readers"] if articles}
    for a, b in sorted(pairs):
        readers.objects.create(book_id=a, person_id=b)


def key_of(row):
    return None if row is None else row.pk


def plant_all(plots):
    people = [Person.objects.create(name=name) for name in "ab"]
    made = {}
    for name, plot in zip(NAMES, plots, strict=True):
        made[name] = plant(Tenant.objects.create(name=name), plot, people)
    return made


def run(*arguments):
    """Run it; return its status."""
    try:
        call_command(
            "migrate_tenant_data",
            "--from=old",
            "--to=new",
            "--no-lock",
            *arguments,
            stdout=io.StringIO(),
        )
    except CommandError as error:
        return error.returncode, str(error)
    return 0, ""


def counterpart():
    """Return which row became which, by model and key as text."""
    return {(row.model, row.old_pk): row.new_pk for row in TenantMoveRow.objects.all()}


def assert_same_but_for_keys(before, after):
    """Compare every old row with its copy, by what each of its columns means."""
    became, old = counterpart(), Tenant.objects.get(name="old")
    new = Tenant.objects.get(name="new")
    for model in MODELS[2:]:
        label, fields = model._meta.label, model._meta.concrete_fields
        rows = {str(row[0]): dict(zip(fields, row, strict=True)) for row in after[label]}
        place = [one.primary_key for one in fields].index(True)
        rows = {str(row[fields[place]]): row for row in rows.values()}
        for (its, old_key), new_key in became.items():
            if its != label:
                continue
            one, other = rows[old_key], rows[new_key]
            for field in fields:
                if field.name in ("code", "slug", "file") or field.primary_key:
                    continue
                expected = one[field]
                if field.related_model is Tenant:
                    assert (expected, other[field]) == (old.pk, new.pk)
                    continue
                if expected is not None and field.related_model in MODELS[2:]:
                    target = field.related_model._meta.label
                    expected = field.target_field.to_python(became[(target, str(expected))])
                if label == "shop.Footnote" and field.name == "number":
                    kind = next(each for each in fields if each.name == "kind")
                    from django.contrib.contenttypes.models import ContentType

                    target = ContentType.objects.get(pk=one[kind]).model_class()._meta.label
                    expected = became[(target, expected)]
                assert other[field] == expected, (label, field.name)
    assert before.keys() == after.keys()


def rows_of(name):
    """Return how many rows of each kind a tenant has, by ways of the test's own."""
    articles = Book.objects.filter(topic__tenant__name=name)
    texts = [str(key) for key in articles.values_list("pk", flat=True)]
    assert len(texts) == articles.count()
    return {
        "topics": Theme.objects.filter(tenant__name=name).count(),
        "articles": articles.count(),
        "guides": Guide.objects.filter(topic__tenant__name=name).count(),
        "awards": Award.objects.filter(badge__tenant__name=name).count(),
        "related": THROUGHS[0].objects.filter(from_book__in=articles).count(),
        "readers": THROUGHS[1].objects.filter(book__in=articles).count(),
        "offices": Office.objects.filter(tenant__name=name).count(),
        "badges": Badge.objects.filter(tenant__name=name).count(),
    }


@pytest.fixture
def all_files(media):
    for number in range(31):
        path = media / f"articles/{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))


@pytest.mark.django_db
@with_database
@given(plots=st.tuples(PLOTS, PLOTS, PLOTS), batch_size=st.integers(1, 4))
def test_copy_is_the_same_but_for_its_keys_and_nothing_else_changes(all_files, plots, batch_size):
    # Of an office a tenant has one, which no number makes two.
    plots = (plots[0], {**plots[1], "office": False}, plots[2])
    with undone():
        plant_all(plots)
        before, counts, theirs = contents(), rows_of("old"), rows_of("new")

        found = run("--on-conflict=rename", f"--batch-size={batch_size}")

        assert found == (0, "")
        after = contents()
        for label, rows in before.items():
            assert [row for row in after[label] if row in rows] == rows
        assert rows_of("new") == {name: count + theirs[name] for name, count in counts.items()}
        assert len(after["shop.Footnote"]) - len(before["shop.Footnote"]) == len(
            plots[0]["remarks"]
        )
        assert_same_but_for_keys(before, after)
        for one in Book.objects.exclude(file=""):
            assert default_storage.exists(one.file.name)
        connection.check_constraints()
        assert run("--on-conflict=rename", f"--batch-size={batch_size}") == (0, "")
        assert contents() == after
        assert run("--verify-only") == (0, "")


@pytest.mark.django_db
@with_database
@given(plots=st.tuples(PLOTS, PLOTS, PLOTS), batch_size=st.integers(1, 4))
def test_move_changes_the_tenant_and_the_text_that_was_taken_and_nothing_else(
    all_files, plots, batch_size
):
    plots = (plots[0], {**plots[1], "office": False}, plots[2])
    with undone():
        plant_all(plots)
        before, counts, theirs = contents(), rows_of("old"), rows_of("new")

        found = run("--mode=move", "--on-conflict=rename", f"--batch-size={batch_size}")

        assert found == (0, "")
        after = contents()
        for label in ("shop.Book", "shop.Guide", "shop.Award", "shop.Footnote", "shop.Person"):
            assert after[label] == before[label]
        assert rows_of("new") == {name: count + theirs[name] for name, count in counts.items()}
        assert set(rows_of("old").values()) == {0}
        old, new = (Tenant.objects.get(name=name).pk for name in ("old", "new"))
        fields = [one.name for one in Theme._meta.concrete_fields]
        for row, was in zip(after["shop.Theme"], before["shop.Theme"], strict=True):
            one, other = (dict(zip(fields, each, strict=True)) for each in (was, row))
            expected = {**one, "tenant": new if one["tenant"] == old else one["tenant"]}
            if one["tenant"] == old:
                assert other.pop("slug").startswith(expected.pop("slug"))
            assert other == expected
        connection.check_constraints()


@pytest.mark.django_db
@with_database
@given(
    plots=st.tuples(PLOTS, PLOTS, PLOTS),
    where=st.sampled_from(["parent", "favourite", "related", "remark", "tenant"]),
    mode=st.sampled_from(["copy", "move"]),
    whose=st.sampled_from(["new", "other"]),
)
def test_one_link_across_and_nothing_is_written(all_files, plots, where, mode, whose):
    with undone():
        made = plant_all(plots)
        topics, articles = made["old"]
        their_topics, their_articles = made[whose]
        if not (topics and articles and their_topics and their_articles):
            return
        if where == "parent":
            Theme.objects.filter(pk=topics[-1].pk).update(parent=their_topics[0])
        elif where == "favourite":
            Theme.objects.filter(pk=topics[-1].pk).update(favourite=their_articles[0].pk)
        elif where == "related":
            THROUGHS[0].objects.create(from_book_id=articles[0].pk, to_book_id=their_articles[0].pk)
        elif where == "remark":
            badge = Badge.objects.get(tenant__name=whose)
            Award.objects.create(
                badge=Badge.objects.get(tenant__name="old"), article_id=their_articles[0].pk
            )
            assert badge.pk
        else:
            first = Footnote.objects.create(target=topics[0], text="x")
            Footnote.objects.filter(pk=first.pk).update(number=str(their_topics[0].pk))
            Award.objects.create(
                badge=Badge.objects.get(tenant__name="old"), article_id=their_articles[0].pk
            )
        before = contents()

        status, sentence = run(f"--mode={mode}", "--on-conflict=rename")

        assert (status, contents()) == (1, before)
        assert "Nothing was written" in sentence
