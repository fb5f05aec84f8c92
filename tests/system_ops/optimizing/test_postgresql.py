"""What only PostgreSQL does."""

import os
from collections.abc import Iterator

import pytest
from django.db import connection

from tests.system_ops.optimizing.conftest import execute, say
from tests.system_ops.shop.models import Event, Note, Tag
from tests.system_ops.validating.conftest import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

WRITE = "INSERT INTO shop_tag (name) VALUES ('open')"
TAG_INDEX = 'REINDEX INDEX CONCURRENTLY "shop_tag_pkey"'


def leftovers() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '_ccnew' AND relkind = 'i'")
        return sorted(name for (name,) in cursor.fetchall())


@pytest.fixture
def tidy() -> Iterator[None]:
    yield
    for name in leftovers():
        execute(f'DROP INDEX "{name}"')


def test_reindex_that_waits_too_long_is_told_and_the_next_one_runs(optimize, other, tidy):
    say(other, WRITE)

    said = optimize(
        "--reindex", "--table=shop.Tag", "--table=shop.Event", "--lock-timeout=0.2", "--json"
    )

    other.rollback()
    assert said.status == 3
    assert "lock timeout" in said.done[TAG_INDEX]
    assert said.done['REINDEX INDEX CONCURRENTLY "shop_event_pkey"'] == ""


def test_index_that_this_run_left_is_taken_away(optimize, other, tidy):
    say(other, WRITE)

    def make_way(execute, sql, params, many, context):
        if sql.startswith("DROP INDEX"):
            other.rollback()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(make_way):
        said = optimize("--reindex", "--table=shop.Tag", "--lock-timeout=0.2", "--json")

    dropped = [one["object"] for one in said.document["done"] if one["kind"] == "leftover"]
    assert said.status == 3
    assert len(dropped) == 1
    assert leftovers() == []


def test_index_that_cannot_be_taken_away_is_listed_with_the_sql(optimize, other, tidy):
    say(other, WRITE)

    said = optimize("--reindex", "--table=shop.Tag", "--lock-timeout=0.2", "--json")

    other.rollback()
    found = said.findings("invalid_index")
    assert sorted(found) == leftovers()
    assert all(one["sql"].startswith("DROP INDEX CONCURRENTLY ") for one in found.values())


def test_index_that_an_earlier_run_left_is_listed_and_stays(optimize, other, tidy):
    say(other, WRITE)
    optimize("--reindex", "--table=shop.Tag", "--lock-timeout=0.2")
    other.rollback()
    before = leftovers()

    optimize("--reindex", "--table=shop.Tag")
    said = optimize("--table=shop.Tag", "--json")

    assert before
    assert leftovers() == before
    assert sorted(said.findings("invalid_index")) == before


def test_vacuum_that_waits_too_long_is_told(optimize, other):
    say(other, "LOCK TABLE shop_tag IN SHARE UPDATE EXCLUSIVE MODE")

    said = optimize("--vacuum", "--table=shop.Tag", "--table=shop.Note", "--lock-timeout=0.2")

    other.rollback()
    assert said.status == 3
    assert 'not done: VACUUM (ANALYZE) "shop_tag": canceling statement' in said.text
    assert 'done: VACUUM (ANALYZE) "shop_note"' in said.text


def test_lacking_the_right_is_no_success(optimize):
    """To the server it is a warning, and the statement goes through."""
    role = f"opskit_{os.getpid()}"
    execute(f"CREATE ROLE {role}")
    try:
        execute(f"SET SESSION AUTHORIZATION {role}")
        said = optimize("--analyze", "--table=shop.Tag", "--no-lock")
    finally:
        execute("RESET SESSION AUTHORIZATION")
        execute(f"DROP ROLE {role}")

    assert said.status == 3
    assert "permission denied" in said.text or "skipping" in said.text


def test_dead_rows_are_told_as_they_were_counted(optimize):
    execute("ALTER TABLE shop_note SET (autovacuum_enabled = off)")
    Note.objects.bulk_create([Note(text="n") for _ in range(3000)])
    Note.objects.filter(pk__in=list(Note.objects.values_list("pk", flat=True)[:2000])).delete()
    execute("SELECT pg_stat_force_next_flush()")

    said = optimize("--table=shop.Note", "--json")
    execute("ALTER TABLE shop_note RESET (autovacuum_enabled)")

    found = said.findings("dead_rows")["shop_note"]
    assert "dead rows beside 1,000; last vacuum: " in found["evidence"]
    assert found["sql"] == 'VACUUM (ANALYZE) "shop_note";'


def test_unused_index_is_told_with_the_age_of_the_figures_and_a_caution(optimize):
    Event.objects.bulk_create([Event(name="e", created_at=NOON) for _ in range(1500)])
    execute("CREATE INDEX shop_event_idle ON shop_event (name)")
    execute("CREATE UNIQUE INDEX shop_event_rule ON shop_event (id, name)")
    try:
        said = optimize("--table=shop.Event", "--json")
    finally:
        execute("DROP INDEX shop_event_idle")
        execute("DROP INDEX shop_event_rule")

    found = said.findings("unused_index")
    assert "not used since" in found["shop_event_idle"]["evidence"]
    assert "shop_event_rule" not in found
    assert "shop_event_pkey" not in found
    assert any("replicas count apart" in one for one in said.document["notes"])


def test_sequence_near_its_end(optimize):
    execute("SELECT setval(pg_get_serial_sequence('shop_tag', 'id'), 9000000000000000000)")
    said = optimize("--table=shop.Tag", "--json")
    execute("SELECT setval(pg_get_serial_sequence('shop_tag', 'id'), 1)")

    (found,) = said.findings("sequence").values()
    assert "(98 %)" in found["evidence"]


def test_integer_key_near_its_end(optimize):
    execute("ALTER TABLE shop_comment ALTER COLUMN id DROP IDENTITY, ALTER COLUMN id TYPE integer")
    execute("ALTER TABLE shop_comment DISABLE TRIGGER ALL")
    execute("INSERT INTO shop_comment VALUES (2000000000, 1, 't', 1)")
    said = optimize("--table=shop.Comment", "--json")
    execute("DELETE FROM shop_comment")
    execute("ALTER TABLE shop_comment ENABLE TRIGGER ALL, ALTER COLUMN id TYPE bigint")
    execute("ALTER TABLE shop_comment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY")

    found = said.findings("integer_key")["id"]
    assert "2,000,000,000 of 2,147,483,647" in found["evidence"]
    assert found["sql"].endswith("TYPE bigint;")


def test_table_without_primary_key(optimize):
    execute("ALTER TABLE shop_attachment DROP CONSTRAINT shop_attachment_pkey")
    said = optimize("--table=shop.Attachment", "--json")
    execute("ALTER TABLE shop_attachment ADD PRIMARY KEY (id)")

    assert list(said.findings("no_primary_key")) == ["shop_attachment"]


def test_orphans_are_listed_and_not_ended(optimize, other, configure):
    configure(optimize={"idle_minutes": 0})
    say(other, WRITE)

    said = optimize("--orphans", "--json")

    (found,) = said.findings("idle_transaction").values()
    assert said.status == 0
    assert found["evidence"].startswith("idle in transaction for ")
    assert found["sql"].startswith("SELECT pg_terminate_backend(")
    say(other, "SELECT 1")


def test_orphans_that_are_young_are_left_out(optimize, other):
    say(other, WRITE)

    assert optimize("--orphans", "--json").document["findings"] == []


@pytest.mark.parametrize("options", [["--terminate"], ["--terminate", "--dry-run"]])
def test_terminate_ends_orphans(optimize, other, configure, options):
    configure(optimize={"idle_minutes": 0})
    say(other, WRITE)

    said = optimize("--orphans", *options, "--json")

    assert said.status == 0
    assert len(said.document["done"]) == (0 if "--dry-run" in options else 1)
    if "--dry-run" in options:
        say(other, "SELECT 1")
    else:
        with pytest.raises(Exception, match="terminat|closed"):
            say(other, "SELECT 1")


def test_table_outside_of_the_search_path_is_not_the_sites(optimize):
    execute("CREATE SCHEMA elsewhere")
    execute("CREATE TABLE elsewhere.shop_tag (id int)")
    try:
        said = optimize("--table=shop.Tag", "--json")
    finally:
        execute("DROP SCHEMA elsewhere CASCADE")

    assert said.findings("no_primary_key") == {}
    assert Tag.objects.count() == 0
