"""Servers and certificates for probes, and registries that forget what a test put into them."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_django
from django.db import connections

from django_health_check_job.probes import registry
from tests.health.probes.servers import Certificate, Site, certificate, site


@pytest.fixture(autouse=True)
def empty_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is registered but what the test registers."""
    monkeypatch.setattr(registry, "_registered", [])
    if plugins := sys.modules.get("health_check.plugins"):
        monkeypatch.setattr(plugins.plugin_dir, "_registry", [])


@pytest.fixture
def sqlite_file(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    django_db_blocker: pytest_django.DjangoDbBlocker,
) -> Iterator[Path]:
    """The path of an SQLite database that settings name "other"; there is no such file yet."""
    path = tmp_path / "other.sqlite3"
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": {}}
    monkeypatch.setitem(connections.settings, "other", connections.settings["default"] | sqlite)
    # Not by the mark: what it allows is for databases that were there when the run began.
    with django_db_blocker.unblock():
        yield path
    connections["other"].close()
    del connections["other"]


@pytest.fixture
def web() -> Iterator[Site]:
    """A site that speaks HTTP."""
    with site() as own:
        yield own


@pytest.fixture(scope="session")
def valid_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate that is good for ninety days and twelve hours more."""
    folder = tmp_path_factory.mktemp("tls") / "valid"
    return certificate(folder, began=timedelta(hours=1), ends_in=timedelta(days=90, hours=12))


@pytest.fixture(scope="session")
def expired_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate that ended an hour ago."""
    folder = tmp_path_factory.mktemp("tls") / "expired"
    return certificate(folder, began=timedelta(days=90), ends_in=timedelta(hours=-1))


@pytest.fixture
def secure_web(valid_certificate: Certificate) -> Iterator[Site]:
    """A site that speaks HTTPS."""
    with site(valid_certificate.context()) as own:
        yield own
