"""No row becomes, or comes to point at, another tenant's."""

import pytest

from tests.system_ops.importing.conftest import articles, bring_in, problems, slugs, written
from tests.system_ops.shop.models import Article, Review, Topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def theirs(zenith):
    return Article.objects.create(tenant=zenith, slug="theirs", title="Theirs")


@pytest.fixture
def ours(acme):
    return Article.objects.create(tenant=acme, slug="ours", title="Ours")


def test_row_that_names_another_tenant_is_rejected(acme, zenith, tmp_path):
    rows = [
        {"slug": "a", "title": "A", "tenant": "acme"},
        {"slug": "b", "title": "B", "tenant": "zenith"},
        {"slug": "c", "title": "C", "tenant": str(zenith.pk)},
        {"slug": "d", "title": "D", "tenant": "nobody"},
        {"slug": "e", "title": "E", "tenant": None},
    ]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    assert (slugs(acme), slugs(zenith)) == (["a"], [])
    assert problems(found) == [
        (3, "tenant", "it is another tenant's."),
        (4, "tenant", "it is another tenant's."),
        (5, "tenant", "there is no tenant of this name."),
        (6, "tenant", "it leads nowhere, and has to lead somewhere."),
    ]


def test_row_that_points_at_another_tenants_row_is_rejected(acme, zenith, tmp_path, theirs):
    topic = Topic.objects.create(tenant=zenith, slug="secret")
    rows = [
        {"slug": "a", "title": "A", "topic": str(topic.pk)},
        {"slug": "b", "title": "B", "topic": "secret"},
        {"slug": "c", "title": "C", "parent": str(theirs.pk)},
    ]
    path = written(tmp_path / "data.jsonl", rows)

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    assert slugs(acme) == []
    assert [reason for _line, _name, reason in problems(found)] == ["it is another tenant's."] * 3


def test_row_that_names_its_tenant_may_point_at_no_others(acme, zenith, tmp_path):
    Topic.objects.create(tenant=acme, slug="tea")
    rows = [
        {"slug": "a", "title": "A", "topic": "tea", "tenant": "acme"},
        {"slug": "b", "title": "B", "topic": "tea", "tenant": "zenith"},
    ]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--validation=lenient")

    assert slugs() == ["a"]
    assert problems(found) == [(3, "topic", "it is another tenant's.")]


def test_same_name_in_each_tenant_leads_to_ones_own(acme, zenith, tmp_path):
    own = {one: Topic.objects.create(tenant=one, slug="tea") for one in (acme, zenith)}
    rows = [
        {"slug": "a", "title": "A", "topic": "tea", "tenant": "acme"},
        {"slug": "b", "title": "B", "topic": "tea", "tenant": "zenith"},
    ]
    path = written(tmp_path / "data.csv", rows)

    bring_in(f"--file={path}")

    assert Article.objects.get(slug="a").topic == own[acme]
    assert Article.objects.get(slug="b").topic == own[zenith]


def test_tenant_at_the_end_of_a_way(ours, theirs, tmp_path):
    rows = [
        {"article": ours.pk, "text": "good"},
        {"article": theirs.pk, "text": "theirs"},
        {"article": None, "text": "nobody's"},
        {"text": "nowhere"},
    ]
    path = tmp_path / "data.jsonl"
    import json

    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    found = bring_in(f"--file={path}", "--type=reviews", "--tenant=acme", "--validation=lenient")

    assert list(Review.objects.values_list("article", "text")) == [(ours.pk, "good")]
    assert [line for line, _name, _reason in problems(found)] == [2, 3, 4]


def test_tenant_at_the_end_of_a_way_may_be_each_rows_own(ours, theirs, tmp_path):
    topic = Topic.objects.create(tenant=ours.tenant, slug="tea")
    rows = [
        {"article": str(ours.pk), "text": "a", "answers": str(topic.pk)},
        {"article": str(theirs.pk), "text": "b", "answers": None},
        {"article": str(theirs.pk), "text": "c", "answers": str(topic.pk)},
    ]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--type=reviews", "--validation=lenient")

    assert set(Review.objects.values_list("text", flat=True)) == {"a", "b"}
    assert problems(found) == [(4, "answers", "it is another tenant's.")]


def test_key_of_another_tenants_row_is_not_taken_over(acme, theirs, tmp_path):
    rows = [{"id": str(theirs.pk), "slug": "a", "title": "Mine now"}]
    path = written(tmp_path / "data.csv", rows)

    for arguments in ([], ["--key=id", "--on-conflict=update"], ["--key=slug"]):
        found = bring_in(f"--file={path}", "--tenant=acme", *arguments)
        assert (found["status"], found["rejected"]) == (1, 1)

    theirs.refresh_from_db()
    assert (theirs.title, Article.objects.count()) == ("Theirs", 1)


def test_update_does_not_move_a_row_to_another_tenant(acme, zenith, ours, tmp_path):
    rows = [{"slug": "ours", "title": "New", "tenant": "zenith"}]
    path = written(tmp_path / "data.csv", rows)

    bring_in(f"--file={path}", "--on-conflict=update")

    ours.refresh_from_db()
    assert (ours.tenant, ours.title) == (acme, "Ours")
    assert slugs(zenith) == ["ours"]


def test_number_of_queries_does_not_grow_with_rows(
    acme, topic, tmp_path, django_assert_max_num_queries
):
    few = written(tmp_path / "few.csv", articles(5, topic="tea"))
    rows = [{**row, "slug": f"b{n}"} for n, row in enumerate(articles(400, topic="tea"))]
    many = written(tmp_path / "many.csv", rows)
    for arguments in ([], ["--on-conflict=update"]):
        with django_assert_max_num_queries(40):
            bring_in(f"--file={few}", "--tenant=acme", "--again", *arguments)
        with django_assert_max_num_queries(40):
            bring_in(f"--file={many}", "--tenant=acme", "--again", *arguments)
