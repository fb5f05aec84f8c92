"""A database that answers, that is gone, and whose connection has died."""

import sqlite3

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from django_health_check_job.engine.outcome import State
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes import Database, Migrations
from tests.health.probes.outcomes import outcome_of


@pytest.mark.django_db
def test_database_that_answers_is_up():
    assert outcome_of(Database()) == (State.UP, "OK")


@pytest.mark.django_db(transaction=True)
def test_connection_that_has_died_says_nothing_about_the_server():
    connection.ensure_connection()
    connection.connection.close()

    outcome = outcome_of(Database())

    connection.connection = None
    assert outcome == (State.UP, "OK")


@pytest.mark.django_db(transaction=True)
def test_own_connection_is_left_as_it_was():
    connection.close()

    outcome_of(Database())

    assert connection.connection is None


@pytest.mark.django_db
def test_limit_of_the_check_is_that_of_its_connection(monkeypatch):
    opened = []
    backend = type(connections["default"])
    original = backend.get_new_connection

    def get_new_connection(self, params):
        opened.append(self.settings_dict["OPTIONS"])
        return original(self, params)

    # The real connection is made; only its options are looked at.
    monkeypatch.setattr(backend, "get_new_connection", get_new_connection)

    outcome_of(Database(timeout_seconds=2.5))

    key = "timeout" if connection.vendor == "sqlite" else "connect_timeout"
    assert [options[key] for options in opened] == [3]


def test_file_that_is_gone_is_down_and_stays_gone(sqlite_file):
    assert outcome_of(Database("other")) == (State.DOWN, "its file does not exist")
    assert not sqlite_file.exists()


def test_file_that_is_there_is_up(sqlite_file):
    sqlite3.connect(sqlite_file).close()
    sqlite_file.touch()

    assert outcome_of(Database("other")) == (State.UP, "OK")


def test_file_that_is_no_database_is_down(sqlite_file):
    sqlite_file.write_bytes(b"not a database at all" * 100)

    assert outcome_of(Database("other")) == (
        State.DOWN,
        "does not answer a query (DatabaseError)",
    )


def test_database_that_cannot_be_opened_is_down_without_its_address(sqlite_file):
    sqlite_file.mkdir()

    assert outcome_of(Database("other")) == (
        State.DOWN,
        "takes no connection (OperationalError)",
    )


def test_database_in_memory_is_asked_where_it_is(sqlite_file):
    connections["other"].settings_dict["NAME"] = ":memory:"

    outcome = outcome_of(Database("other"))

    assert outcome == (State.UP, "OK")
    # It has used that connection, and has not closed it: the data would be gone.
    connections["other"].connection.close()


@pytest.mark.django_db
def test_database_that_is_up_to_date_is_up():
    assert outcome_of(Migrations()) == (State.UP, "OK")


@pytest.mark.django_db
def test_migrations_that_were_not_applied_are_down_with_their_names():
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")

    assert outcome_of(Migrations()) == (State.DOWN, "1 not applied: sessions.0001_initial")


@pytest.mark.django_db
def test_many_migrations_are_counted_and_the_first_are_named():
    recorder = MigrationRecorder(connection)
    for app, name in recorder.applied_migrations():
        if app == "auth":
            recorder.record_unapplied(app, name)

    state, message = outcome_of(Migrations())

    assert state is State.DOWN
    assert " not applied: auth.0001_initial, auth.0002_" in message
    assert message.endswith(" more")
    assert message.count(",") == 2


def test_migrations_of_a_database_that_is_away_are_unknown(sqlite_file):
    sqlite_file.mkdir()

    assert outcome_of(Migrations("other")) == (
        State.UNKNOWN,
        "the database cannot be asked (OperationalError)",
    )


# MariaDB's driver cannot close a connection twice, which stands for one that has died here.
@pytest.mark.sqlite
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_migrations_are_read_through_a_new_connection_when_the_old_one_has_died(monkeypatch):
    connection.ensure_connection()
    died = connection.connection
    # SQLite's driver has nothing to lose: Django calls every connection to it usable.
    monkeypatch.setattr(
        connections["default"], "is_usable", lambda: connection.connection is not died
    )
    died.close()

    assert outcome_of(Migrations()) == (State.UP, "OK")


@pytest.mark.parametrize("probe_class", [Database, Migrations])
def test_alias_that_is_not_in_databases_is_named(probe_class):
    with pytest.raises(CheckSetupError, match="alias must be a key of DATABASES, got 'nowhere'"):
        probe_class("nowhere")


def test_names_tell_the_alias():
    assert (Database().name, Migrations().name) == ("Database default", "Migrations default")
