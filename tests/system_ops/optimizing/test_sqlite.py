"""What only SQLite does."""

import pytest
from django.db import connection

from tests.system_ops.optimizing.conftest import execute
from tests.system_ops.shop.models import Event
from tests.system_ops.validating.conftest import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]


def test_vacuum_is_refused_without_room_for_it(optimize, configure):
    configure(optimize={"vacuum_free_factor": 1e12})

    said = optimize("--vacuum")

    assert said.status == 3
    assert "are free; nothing was done" in said.text


def test_free_pages_are_told_and_vacuum_gives_them_back(optimize):
    Event.objects.bulk_create(
        [Event(name="e", created_at=NOON, blob=bytes(10_000)) for _ in range(300)]
    )
    Event.objects.all().delete()

    before = optimize("--json").findings("free_space")
    optimize("--vacuum")

    assert before["database"]["sql"] == "VACUUM;"
    assert optimize("--json").findings("free_space") == {}


def test_incremental_vacuum_where_the_file_is_made_for_it(optimize):
    execute("PRAGMA auto_vacuum = INCREMENTAL")
    execute("VACUUM")
    try:
        said = optimize("--vacuum", "--json")
    finally:
        execute("PRAGMA auto_vacuum = NONE")
        execute("VACUUM")

    assert said.done == {"PRAGMA incremental_vacuum": ""}


def test_vacuum_of_one_table_says_that_it_is_for_the_file(optimize):
    assert "whatever --table says" in optimize("--vacuum", "--table=shop.Tag").text


def test_orphans_says_what_sqlite_lacks(optimize):
    said = optimize("--orphans")

    assert (said.status, said.text.count("note: Orphans: SQLite")) == (0, 1)


def test_optimize_is_asked_for_without_options(optimize):
    assert "done: PRAGMA optimize" in optimize().text
    assert connection.vendor == "sqlite"


def test_incremental_vacuum_gives_all_pages_back(optimize):
    execute("PRAGMA auto_vacuum = INCREMENTAL")
    execute("VACUUM")
    try:
        Event.objects.bulk_create(
            [Event(name="e", created_at=NOON, blob=bytes(10_000)) for _ in range(300)]
        )
        Event.objects.all().delete()
        optimize("--vacuum")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA freelist_count")
            (left,) = cursor.fetchone()
    finally:
        execute("PRAGMA auto_vacuum = NONE")
        execute("VACUUM")

    assert left == 0


def test_expressions_and_conditions_are_told_apart_in_small_letters(optimize):
    names = {
        "lower_name": "shop_tag (lower(name))",
        "upper_name": "shop_tag (upper(name))",
        "some": "shop_tag (name) where id > 5",
        "others": "shop_tag (name) where id < 5",
    }
    for name, words in names.items():
        execute(f"create index {name} on {words}")
    try:
        assert optimize("--json").findings("duplicate_index") == {}
    finally:
        for name in names:
            execute(f"drop index {name}")
