"""The options of optimize_database, on every database."""

import re

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from tests.system_ops.optimizing.conftest import execute, quoted, say
from tests.system_ops.shop.models import Event, Note

pytestmark = pytest.mark.django_db(transaction=True)

ALL = ["--analyze", "--reindex", "--vacuum", "--slow-queries", "--orphans"]
ANALYZE = {
    "sqlite": 'ANALYZE "shop_chat"',
    "postgresql": 'ANALYZE "shop_chat"',
    "mysql": "ANALYZE TABLE `shop_chat`",
}


def test_without_options_statistics_are_renewed_for_every_table_of_the_site(optimize):
    said = optimize("--json")

    analyzed = {one["table"] for one in said.document["done"] if one["kind"] == "analyze"}
    assert said.status == 0
    assert {"shop_chat", "shop_chat_tags", "auth_user"} <= analyzed
    assert set(said.done.values()) == {""}


def test_analyze(optimize):
    said = optimize("--analyze", "--table=shop.Chat", "--json")

    assert (said.status, said.done) == (0, {ANALYZE[connection.vendor]: ""})


def test_reindex(optimize):
    said = optimize("--reindex", "--table=shop_event", "--json")

    expected = {
        "sqlite": 'REINDEX "shop_event"',
        "postgresql": 'REINDEX INDEX CONCURRENTLY "shop_event_pkey"',
        "mysql": "OPTIMIZE TABLE `shop_event`",
    }
    assert said.status == 0
    assert said.done[expected[connection.vendor]] == ""


def test_vacuum(optimize):
    said = optimize("--vacuum", "--table=shop_event", "--json")

    expected = {
        "sqlite": "VACUUM",
        "postgresql": 'VACUUM (ANALYZE) "shop_event"',
        "mysql": "OPTIMIZE TABLE `shop_event`",
    }
    assert (said.status, said.done) == (0, {expected[connection.vendor]: ""})


def test_slow_queries_says_how_to_get_them_where_there_are_none(optimize):
    said = optimize("--slow-queries")

    assert said.status == 0
    assert said.text.startswith("note: Slow queries: ")


def test_table_may_be_given_several_times_as_table_or_model(optimize):
    said = optimize("--analyze", "--table=shop_chat", "--table=shop.Note", "--json")

    assert {one["table"] for one in said.document["done"]} == {"shop_chat", "shop_note"}


def test_table_that_is_not_the_sites_is_refused_with_what_is_near(optimize):
    said = optimize("--table=shop_chats")

    assert said.status == 2
    assert "Did you mean shop_chat" in said.error


def test_terminate_goes_with_orphans_alone(optimize):
    assert optimize("--terminate").status == 2


@pytest.mark.parametrize("seconds", ["0", "-1", "100000"])
def test_lock_timeout_out_of_range_is_refused(optimize, seconds):
    assert optimize(f"--lock-timeout={seconds}").status == 2


def test_database_that_the_site_lacks_is_refused(optimize):
    assert optimize("--database=elsewhere").status == 2


def test_dry_run_tells_the_statements_and_runs_none(optimize):
    with CaptureQueriesContext(connection) as captured:
        said = optimize(*ALL, "--dry-run")

    assert f"would run: {ANALYZE[connection.vendor]}" in said.text or "VACUUM" in said.text
    assert not [
        one["sql"]
        for one in captured
        if re.match(r"ANALYZE|REINDEX|VACUUM|OPTIMIZE", one["sql"].strip(), re.IGNORECASE)
    ]


def test_nothing_is_dropped_whatever_is_asked_for(optimize):
    with CaptureQueriesContext(connection) as captured:
        optimize(*ALL, "--terminate")
        optimize()

    assert len(captured) > 100
    assert [one["sql"] for one in captured if "DROP" in one["sql"].upper()] == []


def test_number_of_queries_does_not_grow_with_the_rows(optimize):
    optimize()
    with CaptureQueriesContext(connection) as few:
        optimize()
    Note.objects.bulk_create([Note(text=str(n)) for n in range(500)])

    with CaptureQueriesContext(connection) as many:
        optimize()

    assert len(many) == len(few)


@pytest.mark.django_db(transaction=False)
def test_inside_a_transaction_it_is_refused(optimize):
    said = optimize("--analyze", "--no-lock")

    assert said.status == 1
    assert "inside a transaction" in said.error


BLOCK = {
    "sqlite": "UPDATE shop_chat SET title = ''",
    "postgresql": "LOCK TABLE shop_chat IN ACCESS EXCLUSIVE MODE",
    "mysql": "LOCK TABLES shop_chat WRITE",
}


def test_lock_timeout_is_told_for_what_was_locked_and_the_rest_goes_on(optimize, other):
    say(other, BLOCK[connection.vendor])

    said = optimize(
        "--analyze", "--table=shop.Chat", "--table=shop.Tag", "--lock-timeout=0.3", "--json",
        "--no-lock",
    )  # fmt: skip

    other.rollback()
    assert said.status == 3
    assert re.search("lock", said.done[ANALYZE[connection.vendor]], re.IGNORECASE)
    assert said.document["failed"] == (2 if connection.vendor == "sqlite" else 1)


def test_lock_timeout_is_the_sessions_own_again_afterwards(optimize):
    ask = {
        "sqlite": "PRAGMA busy_timeout",
        "postgresql": "SHOW lock_timeout",
        "mysql": "SELECT @@SESSION.lock_wait_timeout, @@SESSION.innodb_lock_wait_timeout",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(ask)
        before = cursor.fetchone()
        optimize("--analyze", "--table=shop.Tag", "--lock-timeout=7")
        cursor.execute(ask)
        assert cursor.fetchone() == before


@pytest.fixture
def twins():
    """Two indexes that are the same, and one that is the beginning of another."""
    names = ("shop_event_one", "shop_event_two", "shop_event_both")
    for name, columns in zip(names, ("name", "name", "created_at, name"), strict=True):
        execute(f"CREATE INDEX {name} ON shop_event ({columns})")
    yield
    for name in names:
        on = " ON shop_event" if connection.vendor == "mysql" else ""
        execute(f"DROP INDEX {name}{on}")


def test_duplicate_index_is_found_with_its_evidence(optimize, twins):
    said = optimize("--table=shop.Event", "--json")

    found = said.findings("duplicate_index")
    assert said.status == 0
    assert list(found) == ["shop_event_two"]
    assert "has the same keys as shop_event_one" in found["shop_event_two"]["evidence"]
    assert quoted("shop_event_two") in found["shop_event_two"]["sql"]


def test_beginning_of_another_index_may_be_redundant(optimize, twins):
    said = optimize("--table=shop.Event", "--json")

    (one,) = said.findings("prefix_index").values()
    assert "is the beginning of shop_event_both" in one["evidence"]
    assert "may be redundant" in one["evidence"]


def test_tables_as_django_makes_them_have_no_duplicates(optimize):
    said = optimize("--table=shop.Chat", "--table=shop.Message", "--table=auth.User", "--json")

    assert said.findings("duplicate_index") == {}


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_foreign_key_without_an_index(optimize):
    """InnoDB makes one for every key by itself."""
    key = Note._meta.get_field("chat")
    bare = models.ForeignKey(key.remote_field.model, models.SET_NULL, null=True, db_index=False)
    bare.set_attributes_from_name("chat")
    bare.model, bare.opts = Note, Note._meta
    with connection.constraint_checks_disabled(), connection.schema_editor() as editor:
        editor.alter_field(Note, key, bare)
    said = optimize("--table=shop.Note", "--json")
    with connection.constraint_checks_disabled(), connection.schema_editor() as editor:
        editor.alter_field(Note, bare, key)

    (found,) = said.findings("unindexed_foreign_key").values()
    assert "no index begins with chat_id" in found["evidence"]
    assert Event.objects.count() == 0
