"""Databases, caches, storage, disks, queues, and a site's own checks."""

from pathlib import Path

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from django_system_ops.services.health import State, check_health

pytestmark = pytest.mark.django_db

HERE = "tests.system_ops.health"


class Forgetful(LocMemCache):
    """Takes everything and keeps nothing, as memcached does when it is full."""

    def set(self, *args, **kwargs):
        pass


class Clinging(LocMemCache):
    def delete(self, *args, **kwargs):
        return False


class Garbling(FileSystemStorage):
    def _open(self, name, mode="rb"):
        Path(self.path(name)).write_bytes(b"something else")
        return super()._open(name, mode)


def test_database_that_is_migrated_is_well(asked):
    result = asked("database")

    assert (result.name, result.state) == ("database:default", State.OK)
    assert result.finding.sentence.startswith("answers (")
    assert 0 < result.latency_ms < 60_000


@pytest.mark.django_db(transaction=True)
def test_database_that_lacks_a_migration_warns_and_names_it(asked):
    ((app, last),) = MigrationLoader(connection).graph.leaf_nodes("django_system_ops")
    MigrationRecorder(connection).record_unapplied(app, last)
    try:
        result = asked("database:default")
    finally:
        MigrationRecorder(connection).record_applied(app, last)

    assert (result.state, result.finding.sentence) == (
        State.WARN,
        "answers; 1 migration is not applied",
    )
    assert result.finding.details == (f"{app}.{last}",)


def test_cache_that_keeps_what_it_gets_is_well(asked):
    result = asked("cache")

    assert (result.name, result.state) == ("cache:default", State.OK)


@pytest.mark.parametrize(
    ("backend", "state", "sentence"),
    [
        (f"{HERE}.test_local_services.Forgetful", State.FAIL, "did not come out again"),
        (f"{HERE}.test_local_services.Clinging", State.FAIL, "is still in it"),
        ("django.core.cache.backends.dummy.DummyCache", State.SKIP, "keeps nothing"),
        ("nowhere.Cache", State.FAIL, "InvalidCacheBackendError"),
    ],
)
def test_cache_that_does_not_keep_its_word_fails(asked, settings, backend, state, sentence):
    settings.CACHES = {**settings.CACHES, "odd": {"BACKEND": backend, "LOCATION": "odd"}}

    result = asked("cache:odd")

    assert (result.state, sentence in result.finding.sentence) == (state, True)


def test_every_alias_of_the_caches_is_asked(settings, configure):
    memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "second"}
    settings.CACHES = {**settings.CACHES, "second": memory}

    report = check_health(["cache"])

    assert [one.name for one in report.results] == ["cache:default", "cache:second"]


def test_storage_is_written_read_and_left_clean(asked, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")

    result = asked("storage")

    assert (result.state, result.finding.sentence) == (State.OK, "writes, reads and deletes")
    assert list((tmp_path / "media").iterdir()) == []


def test_storage_that_returns_something_else_fails_and_is_left_clean(asked, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    odd = {"BACKEND": f"{HERE}.test_local_services.Garbling"}
    settings.STORAGES = {**settings.STORAGES, "default": odd}

    result = asked("storage")

    assert (result.state, result.finding.sentence) == (
        State.FAIL,
        "what was written is not what was read",
    )
    assert list((tmp_path / "media").iterdir()) == []


def test_storage_that_cannot_be_written_fails(asked, settings, tmp_path):
    (tmp_path / "media").write_text("a file where a directory should be")
    settings.MEDIA_ROOT = str(tmp_path / "media")

    assert asked("storage").state is State.FAIL


def test_storage_without_a_place_is_skipped_and_nothing_is_written(
    asked, settings, tmp_path, monkeypatch
):
    settings.MEDIA_ROOT = ""
    monkeypatch.chdir(tmp_path)

    result = asked("storage")

    assert (result.state, result.finding.sentence) == (State.SKIP, "MEDIA_ROOT is not set")
    assert list(tmp_path.iterdir()) == []


def test_disks_of_the_code_and_of_the_uploads_are_looked_at(settings, tmp_path, configure):
    settings.MEDIA_ROOT = str(tmp_path / "not" / "there" / "yet")

    report = check_health(["disk"])

    assert [one.name for one in report.results] == ["disk:BASE_DIR", "disk:MEDIA_ROOT"]
    assert report.results[1].finding.details[0] == str(tmp_path)


@pytest.mark.parametrize(
    ("warn", "fail", "state"), [(0, 0, State.OK), (100, 0, State.WARN), (100, 100, State.FAIL)]
)
def test_disk_is_judged_by_the_limits_of_the_settings(asked, warn, fail, state):
    result = asked("disk:BASE_DIR", disk_warn_percent=warn, disk_fail_percent=fail)

    assert result.state is state


@pytest.mark.parametrize(
    ("name", "state", "sentence"),
    [
        ("three", State.OK, "3 waiting"),
        ("queries", State.OK, "0 waiting"),
        ("text", State.FAIL, "its callable gave 'many', which is no number"),
        ("broken", State.FAIL, "RuntimeError: the till is open"),
        ("missing", State.FAIL, "ImportError"),
    ],
)
def test_queue_is_as_long_as_its_callable_says(asked, name, state, sentence):
    queue = {"callable": f"{HERE}.callables.{name}", "warn": 10, "fail": 100}

    result = asked("backlog:outbox", backlog={"outbox": queue})

    assert (result.state, result.finding.sentence.startswith(sentence)) == (state, True)


@pytest.mark.parametrize(("warn", "fail", "state"), [(3, 9, State.WARN), (1, 3, State.FAIL)])
def test_queue_is_judged_by_the_limits_of_the_settings(asked, warn, fail, state):
    queue = {"callable": f"{HERE}.callables.three", "warn": warn, "fail": fail}

    assert asked("backlog", backlog={"outbox": queue}).state is state


@pytest.mark.parametrize(
    ("name", "state", "sentence"),
    [
        ("well", State.OK, "is well"),
        ("yes", State.OK, "is well"),
        ("no", State.FAIL, "says no"),
        ("sentence", State.OK, "7 shops are open"),
        ("warns", State.WARN, "one shop is closed"),
        ("finds", State.WARN, "a shop is closed"),
        ("senseless", State.FAIL, "it gave a dict, which says nothing"),
        ("broken", State.FAIL, "RuntimeError: the till is open"),
        ("leaves", State.FAIL, "SystemExit: 7"),
        ("waits", State.FAIL, "it is async; give a function that waits by itself"),
        ("NOT_CALLABLE", State.FAIL, "TypeError: 'int' object is not callable"),
    ],
)
def test_own_check_says_how_it_is(asked, name, state, sentence):
    result = asked("shops", services={"shops": f"{HERE}.callables.{name}"})

    assert (result.state, result.finding.sentence) == (state, sentence)


def test_what_is_not_set_up_is_skipped_and_says_so(configure):
    report = check_health(["celery", "backlog", "api"])

    assert [one.state for one in report.results] == [State.SKIP] * 3
    assert not report.is_healthy()
