"""A filter of the type says with which rows a migration begins, whatever the steps make of them."""

import pytest

from tests.system_ops.knowledge.conftest import (
    ALL,
    KNOWLEDGE,
    articles,
    run,
    said,
    state,
    versions,
)
from tests.system_ops.library.models import Article

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def filtered(steps, configure):
    """What the first step makes of a title is not what the filter asks for."""

    def set_steps(*names):
        steps(*names)
        kind = {**KNOWLEDGE, "filter": {"title__startswith": "Some"}}
        configure(data={"types": {"knowledge": kind}})

    set_steps(*ALL)
    return set_steps


def test_rows_go_all_the_way_though_a_step_changes_what_the_filter_asks():
    articles(5)
    articles(1, title="Other words")

    found = run("--batch-size=2")

    assert (found["status"], found["rows"], found["left"]) == (0, 15, [])
    assert versions() == ["2.0"] * 5 + ["1.0"]


def test_dry_run_counts_them_as_the_run_does():
    articles(3)

    found = run("--dry-run")

    assert [one["rows"] for one in found["steps"]] == [3, 3, 3]


def test_rollback_finds_them():
    articles(3)
    before = state()
    run()

    found = run("--rollback")

    assert (found["status"], found["rows"], found["others"], found["left"]) == (0, 9, 0, [])
    assert state() == before
    assert run()["status"] == 0
    assert versions() == ["2.0"] * 3


def test_rollback_names_those_that_stay():
    changed, _other = articles(2)
    run(version="1.9")
    Article.objects.filter(pk=changed.pk).update(version="7")

    found = run("--rollback")

    assert (found["status"], found["others"]) == (3, 0)
    assert [one["examples"] for one in found["left"]] == [[{"pk": str(changed.pk), "reason": ""}]]


def test_run_that_stopped_is_gone_on_with_where_it_was():
    first, second = articles(2)
    # The second step cannot do without.
    Article.objects.filter(pk=second.pk).update(data=None)

    assert run(batch_size=1)["status"] == 1
    assert versions() == ["1.10", "1.9"]
    Article.objects.filter(pk=second.pk).update(data={"nested": []})
    dry = run("--dry-run")
    found = run()

    assert (dry["status"], dry["rows"]) == (0, 3)
    assert (found["status"], found["rows"], versions()) == (0, 3, ["2.0", "2.0"])
    assert run("--rollback")["left"] == []
    assert versions() == ["1.0", "1.0"]
    assert [one.pk for one in Article.objects.order_by("pk")] == [first.pk, second.pk]


def test_run_that_stopped_takes_no_row_of_another_tenant():
    articles(1, tenant="acme")
    articles(1, tenant="zenith")
    Article.objects.update(data=None)
    assert run()["status"] == 1
    Article.objects.update(data={"nested": []})

    found = run(tenant="acme")

    assert (found["status"], versions()) == (0, ["2.0", "1.9"])


def test_rows_that_an_earlier_migration_left_behind_are_counted():
    (row,) = articles(1)
    run(version="1.9")

    found = run()

    assert (found["status"], versions()) == (3, ["1.9"])
    (left,) = found["left"]
    assert left["reason"] == "were taken there, and the type's filter matches them no more"
    assert (left["version"], left["examples"]) == ("1.9", [{"pk": str(row.pk), "reason": ""}])
    assert "1 rows of version 1.9 were taken there" in said()


def test_stopped_rows_from_which_no_steps_lead_on_are_counted(filtered):
    articles(1)
    Article.objects.update(data=None)
    assert run()["status"] == 1
    filtered("Split", "Shout")

    found = run(version="2.0")

    assert found["status"] == 3
    assert [(one["version"], one["reason"]) for one in found["left"]] == [
        ("1.9", "no steps lead on to 2.0")
    ]
