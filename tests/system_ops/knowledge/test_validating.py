"""--validate-only: each row by the validators of its version, and nothing is written."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.system_ops.knowledge.conftest import articles, folders, run, said, state
from tests.system_ops.library.models import Article

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_that_are_as_they_should_be():
    articles(2)
    articles(3, version="1.9")

    found = run("--validate-only")

    assert (found["status"], found["wrong"]) == (0, 0)
    assert (found["checked"], found["unchecked"]) == ({"1.9": 3}, {"1.0": 2})


def test_rows_that_are_not_are_counted_and_the_first_named():
    articles(2, version="1.9")
    bad = articles(7, version="1.9", title="")
    (free,) = articles(1, version="1.10")
    before = state()

    found = run("--validate-only", "--batch-size=2")

    assert (found["status"], found["wrong"]) == (3, 8)
    titles, prices = found["findings"]
    assert (titles["version"], titles["rows"]) == ("1.9", 7)
    assert titles["examples"] == [{"pk": str(one.pk), "reason": "has no title"} for one in bad[:5]]
    assert prices["examples"] == [{"pk": str(free.pk), "reason": "costs None"}]
    assert (state(), folders()) == (before, [])
    assert f"  {bad[0].pk}: has no title" in said("--validate-only")


def test_rows_without_a_known_version_are_findings():
    (null,) = articles(1, version=None)
    (odd,) = articles(1, version="zzz")

    found = run("--validate-only")

    assert (found["status"], found["wrong"]) == (3, 2)
    assert {one["examples"][0]["pk"] for one in found["findings"]} == {str(null.pk), str(odd.pk)}


def test_version_is_whose_rows_are_looked_at():
    articles(1, version="1.9", title="")
    articles(1, version="1.10")

    found = run("--validate-only", version="1.9")

    assert (found["checked"], found["wrong"]) == ({"1.9": 1}, 1)
    assert run("--validate-only", version="9")["status"] == 2


def test_tenant_is_whose_rows_are_validated():
    articles(1, version="1.9", title="", tenant="zenith")
    articles(1, version="1.9", tenant="acme")

    assert run("--validate-only", tenant="acme")["status"] == 0
    assert run("--validate-only", tenant="zenith")["status"] == 3


def test_validator_that_fails_is_a_failure(steps):
    steps("Faulty")
    (bad,) = articles(1, version="1.9", title="broken")

    found = run("--validate-only")

    assert found["status"] == 1
    assert f"Among the rows {bad.pk} to {bad.pk} of version 1.9" in found["sentence"]
    assert "RuntimeError: the validator fails" in found["sentence"]


def test_empty_table_is_in_order():
    assert run("--validate-only")["status"] == 0
    assert "there are no rows" in said("--validate-only")


def test_rows_of_other_versions_are_named_where_none_is_of_the_one_asked_for():
    articles(3, version="1.0")

    text = said("--validate-only", "--version=1.9")

    assert "no row is of that version. Those that are there: 1.0: 3." in text


def test_queries_of_validators_do_not_grow_with_rows():
    counts = []
    for number in (2, 40):
        Article.objects.all().delete()
        articles(number, version="1.9")
        with CaptureQueriesContext(connection) as queries:
            run("--validate-only")
        counts.append(len(queries))

    assert counts[0] == counts[1]
