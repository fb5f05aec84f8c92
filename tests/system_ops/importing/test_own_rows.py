"""Rows that lead to rows of the same file, and rows whose own key is empty."""

import pytest

from tests.system_ops.importing.conftest import bring_in, problems, slugs, written
from tests.system_ops.shop.models import Article

pytestmark = pytest.mark.django_db

SIZES = [1, 2, 3, 500]


def tree(*rows):
    """Return rows of articles from slug, parent, and what else they have."""
    return [
        {"slug": slug, "title": slug, "parent": parent, **more}
        for slug, parent, *others in rows
        for more in (others or [{}])
    ]


def parents():
    return dict(Article.objects.values_list("slug", "parent__slug"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("level", ["strict", "lenient"])
def test_parent_is_found_by_its_natural_key_whatever_the_batch(acme, tmp_path, size, level):
    rows = tree(("root", None), ("kid", "root"), ("other", "root"), ("grandkid", "kid"))
    path = written(tmp_path / "data.csv", rows)
    arguments = [f"--file={path}", f"--validation={level}", f"--batch-size={size}"]

    found = bring_in(*arguments, "--tenant=acme")

    assert problems(found) == []
    assert parents() == {"root": None, "kid": "root", "other": "root", "grandkid": "kid"}


@pytest.mark.parametrize("size", SIZES)
def test_parent_of_the_same_name_is_that_of_the_tenant(acme, zenith, tmp_path, size):
    Article.objects.create(tenant=zenith, slug="root", title="Theirs")
    rows = tree(
        ("their-kid", "root", {"tenant": "zenith"}),
        ("root", None, {"tenant": "acme"}),
        ("kid", "root", {"tenant": "acme"}),
    )
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", f"--batch-size={size}")

    assert problems(found) == []
    for slug, owner in (("kid", acme), ("their-kid", zenith)):
        assert Article.objects.get(slug=slug).parent.tenant == owner


@pytest.mark.parametrize("size", SIZES)
def test_row_whose_parent_does_not_come_in_is_rejected_and_the_others_are_in(acme, tmp_path, size):
    rows = tree(
        ("ok", None, {"id": 499, "rating": 1}),
        ("bad", None, {"id": 500, "rating": -5}),
        ("kid", 500, {"id": 501, "rating": 1}),
        ("grandkid", 501, {"id": 502, "rating": 1}),
        ("fine", 499, {"id": 503, "rating": 1}),
    )
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(
        f"--file={path}", "--tenant=acme", "--validation=lenient", f"--batch-size={size}"
    )

    assert (found["status"], [line for line, *_ in problems(found)]) == (3, [3, 4, 5])
    assert parents() == {"ok": None, "fine": "ok"}


def test_reason_names_the_line_that_is_not_in(acme, tmp_path):
    rows = tree(("bad", None, {"id": 500, "rating": -5}), ("kid", 500, {"id": 501, "rating": 1}))
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert problems(found)[1:] == [
        (3, "", "it leads to the row of line 2, which is not in under this key.")
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["skip", "update"])
def test_key_that_the_file_gives_to_a_row_that_is_there_leads_nowhere(acme, tmp_path, mode, size):
    """The row keeps its own key, in the table as well as in the batches behind this one."""
    Article.objects.create(tenant=acme, slug="root", title="there")
    rows = tree(("root", None, {"id": 900}), ("kid", 900, {"id": 901}), ("free", None, {"id": 902}))
    path = written(tmp_path / "data.csv", rows)
    arguments = [f"--file={path}", "--tenant=acme", f"--on-conflict={mode}"]

    found = bring_in(*arguments, "--validation=lenient", f"--batch-size={size}")

    assert (found["status"], [line for line, *_ in problems(found)]) == (3, [3])
    assert slugs() == ["free", "root"]


@pytest.mark.parametrize("size", SIZES)
def test_empty_key_is_one_that_is_not_given(acme, tmp_path, size):
    path = tmp_path / "data.csv"
    path.write_text("id,slug,title\n70,a,A\n,b,B\n77,c,C\n")

    found = bring_in(f"--file={path}", "--tenant=acme", f"--batch-size={size}")

    assert problems(found) == []
    keys = dict(Article.objects.values_list("slug", "pk"))
    assert (keys["a"], keys["c"], len(keys)) == (70, 77, 3)


def test_empty_key_of_a_field_without_a_number_of_its_own_is_missing(types, tmp_path):
    types(opinions={"model": "shop.Opinion", "shared": True})
    path = tmp_path / "data.csv"
    path.write_text("code,text,day\n,T,2026-01-01\n")

    found = bring_in(f"--file={path}", "--type=opinions")

    assert problems(found) == [(2, "code", "it is missing, and has no default.")]
