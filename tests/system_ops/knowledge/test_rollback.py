"""The last migration is taken back: by steps, by what was kept, and what cannot be."""

import json

import pytest

from tests.system_ops.knowledge.conftest import articles, folders, run, said, state, versions
from tests.system_ops.library.models import Article

pytestmark = pytest.mark.django_db(transaction=True)


def test_rollback_puts_rows_back_to_the_letter():
    articles(5)
    before = state()
    run("--batch-size=2")
    assert state() != before

    found = run("--rollback", "--batch-size=2")

    assert (found["status"], found["rows"], found["left"]) == (0, 15, [])
    assert state() == before


def test_rollback_uses_the_steps_that_have_a_way_back():
    articles(2)
    before = state()
    run(version="1.9")
    changed = Article.objects.first()
    Article.objects.filter(pk=changed.pk).update(title="other", text="new")

    found = run("--rollback")

    assert (found["status"], found["by_step"], found["by_image"]) == (0, 2, 0)
    first, second = state()
    assert (first["title"], first["text"]) == ("Some other", "new")
    assert second == before[1]


def test_row_that_was_changed_since_stays_where_its_step_has_no_way_back(steps):
    steps("Nothing", "Price")
    changed, _, gone = articles(3)
    before = state()
    run()
    Article.objects.filter(pk=changed.pk).update(text="by hand")
    gone.delete()

    found = run("--rollback")

    assert found["status"] == 3
    assert (found["by_image"], found["gone"]) == (2, 2)  # of two steps
    (left,) = found["left"]
    assert left["reason"] == "were changed since, and their step has no way back"
    assert (left["rows"], left["examples"]) == (1, [{"pk": str(changed.pk), "reason": ""}])
    first, second = state()
    assert (first["version"], first["text"]) == ("1.10", "by hand")
    assert second == before[1]


@pytest.mark.parametrize("way", ["version", "gone", "directory"])
def test_row_that_is_left_keeps_the_migration_and_the_way_out_is_said(steps, way):
    steps("Nothing", "Price")
    changed, _other = articles(2)
    run(version="1.9")
    run(version="1.10")
    Article.objects.filter(pk=changed.pk).update(text="by hand")

    for _ in range(2):
        found = run("--rollback")
        assert (found["status"], versions()) == (3, ["1.10", "1.9"])
        assert "comes back to this migration and to none before it" in found["sentence"]
        assert f"or move {folders()[1]} away" in found["sentence"]

    if way == "version":
        Article.objects.filter(pk=changed.pk).update(version="1.9")
        assert run("--rollback")["status"] == 0
    elif way == "gone":
        changed.delete()
        assert run("--rollback")["status"] == 0
    else:
        folders()[1].rename(folders()[1].parent.parent / "done-with")
    found = run("--rollback")
    assert found["target"] == "1.9"
    assert versions()[-1] == "1.0"


def test_row_that_went_elsewhere_by_hand_is_named_and_left():
    mine, other = articles(1, tenant="acme"), articles(1, tenant="zenith")
    run(version="1.9")
    Article.objects.update(version="7")

    found = run("--rollback", tenant="acme")

    assert found["status"] == 3
    (left,) = found["left"]
    assert left["examples"] == [{"pk": str(mine[0].pk), "reason": ""}]
    assert left["reason"] == "have another version by now"
    assert f": {mine[0].pk}, {other[0].pk}" in said("--rollback")
    assert versions() == ["7", "7"]


def test_rollback_takes_one_migration_after_the_other():
    articles(2)
    before = state()
    run(version="1.9")
    between = state()
    run(version="2.0")

    run("--rollback")
    assert state() == between
    run("--rollback")
    assert state() == before
    found = run("--rollback")

    assert found["status"] == 2
    assert "There is no migration to take back" in found["sentence"]
    states = [json.loads((one / "migration.json").read_text())["state"] for one in folders()]
    assert states == ["rolled back", "rolled back"]


def test_rows_that_were_made_after_the_migration_are_not_touched():
    articles(1)
    run()
    (later,) = articles(1, version="2.0", title="LATER")

    run("--rollback")

    assert versions() == ["1.0", "2.0"]
    assert Article.objects.get(pk=later.pk).title == "LATER"


def test_what_was_taken_back_can_go_again():
    articles(3)
    run()
    after = state()

    run("--rollback")
    run()

    assert state() == after


def test_rollback_of_a_tenant_leaves_the_others():
    articles(2, tenant="acme")
    articles(1, tenant="zenith")
    run()

    found = run("--rollback", tenant="acme")

    assert (found["status"], found["others"]) == (0, 1)
    assert versions() == ["1.0", "1.0", "2.0"]
    found = run("--rollback")
    assert (found["status"], found["rows"], versions()) == (0, 3, ["1.0"] * 3)
    assert found["back_already"] == 6  # two rows, three steps


def test_migration_of_another_tenant_is_not_ours_to_take_back():
    articles(1, tenant="acme")
    articles(1, tenant="zenith")
    run(tenant="acme", version="1.9")
    run(tenant="zenith", version="1.9")

    run("--rollback", tenant="acme")

    assert versions() == ["1.0", "1.9"]


def test_dry_run_of_a_rollback_says_what_it_would_do_and_changes_nothing():
    articles(2)
    run()
    before = state()

    found = run("--rollback", "--dry-run")

    assert (found["status"], found["rows"], state()) == (0, 6, before)
    assert "2 rows would go back from 2.0 to 1.10" in said("--rollback", "--dry-run")
    assert run("--rollback")["rows"] == 6


def test_way_back_without_a_step_that_is_registered_no_more(steps):
    articles(1)
    before = state()
    run()
    steps("Shout")

    assert run("--rollback")["by_image"] == 3
    assert state() == before


def test_step_that_cannot_go_back_stops_at_the_row(steps):
    rows = articles(2)
    run(version="1.9")
    Article.objects.filter(pk=rows[1].pk).update(slug=None)

    found = run("--rollback")

    assert found["status"] == 1
    assert (
        f"from 1.9 to 1.0 stopped at row {rows[1].pk}: the step raised AttributeError"
        in (found["sentence"])
    )
    assert versions() == ["1.9", "1.9"]


@pytest.mark.parametrize(
    "options", [["--rollback", "--validate-only"], ["--rollback", "--version=1.0"]]
)
def test_rollback_goes_with_nothing_else(options):
    assert run(*options)["status"] == 2


def test_damaged_file_of_a_migration_is_named():
    articles(1)
    run()
    path = folders()[0] / "migration.json"
    path.write_text("{")

    found = run("--rollback")

    assert (found["status"], versions()) == (1, ["2.0"])
    assert str(path) in found["sentence"]


def test_damaged_rows_of_a_migration_are_named():
    articles(1)
    run()
    path = folders()[0] / "step-003.jsonl.zst"
    path.write_bytes(b"nonsense")

    found = run("--rollback")

    assert (found["status"], versions()) == (1, ["2.0"])
    assert str(path) in found["sentence"]


def test_migrations_of_another_database_are_not_taken_back():
    articles(1)
    run()
    path = folders()[0] / "migration.json"
    path.write_text(path.read_text().replace('"default"', '"other"'))

    assert run("--rollback")["status"] == 2
