"""Caches that keep what they are given, and caches that do not."""

from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache

from django_health_check_job.engine.outcome import State
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes import Cache
from tests.health.probes.outcomes import outcome_of


class ForgetfulCache(LocMemCache):
    """Takes everything and keeps nothing, as memcached does when it is away."""

    def set(self, *args: Any, **kwargs: Any) -> None:
        pass


class DeafCache(LocMemCache):
    """Can be written to, and not be read."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://:hunter2@10.0.0.1:6379 is away")


class LeakyCache(LocMemCache):
    """Loses what it had."""

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return False


class StickyCache(LocMemCache):
    """Deletes nothing."""

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        raise PermissionError


def use(settings: Any, backend: str, location: str = "") -> None:
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location}}


def test_cache_that_keeps_what_it_is_given_is_up(settings):
    use(settings, "django.core.cache.backends.locmem.LocMemCache", "probe")

    assert outcome_of(Cache()) == (State.UP, "OK")


def test_nothing_is_left_in_the_cache(settings, tmp_path):
    use(settings, "django.core.cache.backends.filebased.FileBasedCache", str(tmp_path))

    assert outcome_of(Cache()) == (State.UP, "OK")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_cache_in_the_database_without_its_table_is_down(settings):
    use(settings, "django.core.cache.backends.db.DatabaseCache", "no_such_table")

    state, message = outcome_of(Cache())

    assert state is State.DOWN
    assert message in {
        "does not keep what is written to it",
        "cannot be read (OperationalError)",
        "cannot be read (ProgrammingError)",
        "cannot be written to (OperationalError)",
        "cannot be written to (ProgrammingError)",
    }


def test_cache_that_cannot_be_opened_is_down(settings, tmp_path):
    (tmp_path / "file").touch()
    use(settings, "django.core.cache.backends.filebased.FileBasedCache", str(tmp_path / "file/in"))

    assert outcome_of(Cache()) == (State.DOWN, "cannot be opened (NotADirectoryError)")


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (ForgetfulCache, "does not keep what is written to it"),
        (DeafCache, "cannot be read (ConnectionError)"),
        (LeakyCache, "has lost within this run what it had kept"),
        (StickyCache, "cannot be deleted from (PermissionError)"),
    ],
)
def test_cache_that_fails_is_down_without_its_address(settings, backend, message):
    use(settings, f"{__name__}.{backend.__name__}")

    assert outcome_of(Cache()) == (State.DOWN, message)


def test_cache_that_is_set_up_to_keep_nothing_is_up(settings):
    use(settings, "django.core.cache.backends.dummy.DummyCache")

    assert outcome_of(Cache()) == (
        State.UP,
        "OK: it is set up to keep nothing (DummyCache)",
    )


def test_alias_that_is_not_in_caches_is_named():
    with pytest.raises(CheckSetupError, match="alias must be a key of CACHES, got 'nowhere'"):
        Cache("nowhere")


def test_name_tells_the_alias():
    assert Cache().name == "Cache default"
