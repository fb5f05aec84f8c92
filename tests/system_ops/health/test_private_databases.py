"""Databases beside the default one: each is asked, and one that is away fails alone."""

import pytest

from django_system_ops.services.health import State, check_health
from tests.private_servers import PrivateMariaDB, PrivatePostgreSQL, django_database

pytestmark = [pytest.mark.postgresql, pytest.mark.mariadb]


@pytest.fixture
def any_alias(django_db_setup, django_db_blocker):
    """Lets the test use databases that pytest-django has not heard of."""
    with django_db_blocker.unblock():
        yield


def test_alias_that_is_away_fails_alone(any_alias, settings):
    kind = {"postgresql": PrivatePostgreSQL, "mariadb": PrivateMariaDB}[settings.DATABASE]
    kind.require()
    server = kind().start()
    try:
        with django_database(server, "second"):
            before = check_health(["database:second", "cache"]).results
            server.stop()
            after = check_health(["database:second", "cache"]).results
    finally:
        server.end()

    # Nothing of Django's was ever migrated there: it is somebody else's, and no reason to warn.
    assert [one.state for one in before] == [State.OK, State.OK]
    assert [one.state for one in after] == [State.FAIL, State.OK]
    assert after[0].finding.sentence.startswith("OperationalError: ")
