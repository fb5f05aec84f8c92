"""Servers that a proof may stop and start."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from django_outbox.models import OutboxAttempt, OutboxJob, OutboxWorker
from tests import processes
from tests.private_servers import (
    PrivateMariaDB,
    PrivatePostgreSQL,
    PrivateServer,
    django_database,
)

ALIAS = "private"
_MODELS = (OutboxJob, OutboxAttempt, OutboxWorker)


@pytest.fixture(
    params=[
        pytest.param(PrivatePostgreSQL, marks=pytest.mark.postgresql),
        pytest.param(PrivateMariaDB, marks=pytest.mark.mariadb),
    ],
    ids=lambda kind: kind.name,
)
def server(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker
) -> Iterator[PrivateServer]:
    """A server of the test's own that holds the tables."""
    request.param.require()
    private = request.param()
    try:
        private.start()
        with django_db_blocker.unblock(), django_database(private, ALIAS):
            with connections[ALIAS].schema_editor() as editor:
                for model in _MODELS:
                    editor.create_model(model)
            yield private
    finally:
        private.end()


@pytest.fixture
def spawn_there(server: PrivateServer) -> Iterator[Callable[..., object]]:
    """Start a Django command in a real process that uses that server."""
    started = processes.Processes({**processes.environment(), **server.environment()})
    yield started.spawn
    started.end()
