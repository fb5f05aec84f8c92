"""What a server tells only when it is started for it."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from django_opskit.own_connections import close_own, own_connection
from django_system_ops.services.optimizing import Finding, Note, Wishes, optimize
from tests.private_servers import (
    PrivateMariaDB,
    PrivatePostgreSQL,
    PrivateServer,
    django_database,
)
from tests.system_ops.optimizing.conftest import say
from tests.system_ops.shop.models import Tag

ALIAS = "measured"
OPTIONS: dict[type[PrivateServer], tuple[str, ...]] = {
    PrivatePostgreSQL: (
        "shared_preload_libraries=pg_stat_statements",
        "max_prepared_transactions=5",
    ),
    PrivateMariaDB: ("--performance-schema=ON",),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateServer]:
    kind = {"postgresql": PrivatePostgreSQL, "mariadb": PrivateMariaDB}[settings.DATABASE]
    kind.require()
    private = kind(*OPTIONS[kind])
    try:
        yield private.start()
    finally:
        private.end()


@pytest.fixture
def alias(server: PrivateServer, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The database of a server that keeps figures, with one table of the site."""
    with django_db_blocker.unblock(), django_database(server, ALIAS):
        with connections[ALIAS].schema_editor() as editor:
            editor.create_model(Tag)
        yield ALIAS
        with connections[ALIAS].schema_editor() as editor:
            editor.delete_model(Tag)


def findings(alias: str, wishes: Wishes) -> list[Finding]:
    return [one for one in optimize(wishes, using=alias) if isinstance(one, Finding)]


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_slow_queries_are_listed_without_what_was_in_them(alias):
    if connections[alias].vendor == "postgresql":
        say(connections[alias], "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    say(connections[alias], "SELECT COUNT(*) FROM shop_tag WHERE name = 'classified'")

    found = findings(alias, Wishes(slow_queries=True, most_queries=100))

    mine = [one for one in found if re.match("SELECT COUNT.*shop_tag.*WHERE", one.object)]
    assert [one.evidence.split(" in ")[1].split(",")[0] for one in mine] == ["1 calls"], found
    assert not any("classified" in one.object for one in found)


@pytest.mark.postgresql
def test_prepared_transactions_are_listed_and_never_ended(alias):
    session = own_connection(alias)
    say(session, "BEGIN")
    say(session, "CREATE TABLE half (id int)")
    say(session, "PREPARE TRANSACTION 'it''s half'")

    found = findings(alias, Wishes(orphans=True, terminate=True, idle_minutes=0))

    say(session, "ROLLBACK PREPARED 'it''s half'")
    close_own(session)
    (one,) = found
    assert (one.kind, one.sql) == ("prepared_transaction", "ROLLBACK PREPARED 'it''s half';")


@pytest.mark.mariadb
def test_prepared_xa_transactions_are_listed_and_never_ended(alias):
    """Its session may be an orphan, and ended: what was prepared outlives that."""
    session = own_connection(alias)
    say(session, "XA START 'half'")
    say(session, "INSERT INTO shop_tag (name) VALUES ('x')")
    say(session, "XA END 'half'")
    say(session, "XA PREPARE 'half'")

    found = findings(alias, Wishes(orphans=True, terminate=True, idle_minutes=0))

    close_own(session)
    still = findings(alias, Wishes(orphans=True))
    say(connections[alias], "XA ROLLBACK 'half'")
    for those in (found, still):
        assert [one.sql for one in those if one.kind == "prepared_transaction"] == [
            "XA ROLLBACK 'half';"
        ]


@pytest.mark.mariadb
def test_unused_indexes_by_the_performance_schema(alias):
    say(connections[alias], "CREATE INDEX shop_tag_idle ON shop_tag (name, id)")
    say(connections[alias], "SELECT COUNT(*) FROM shop_tag")

    found = list(optimize(Wishes(), using=alias))

    unused = [one for one in found if isinstance(one, Finding) and one.kind == "unused_index"]
    assert [one.object for one in unused] == ["shop_tag_idle"]
    assert any(isinstance(one, Note) and "replicas" in one.text for one in found)
