"""
Settings of the tests: the example project's, on the database that OPSKIT_DATABASE names.

`OPSKIT_DATABASE` is sqlite (the default), postgresql or mariadb. The two servers are found
through `OPSKIT_POSTGRESQL_HOST`, `_PORT`, `_USER` and `_PASSWORD`, and `OPSKIT_MARIADB_…`.
`OPSKIT_DB_NAME` names the database itself: a program that a test starts gets the test
database that way (see the fixture `process_env`), without Django's `test_` before the name.
"""

import json
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config.databases import sqlite
from config.settings.base import *  # noqa: F403
from config.settings.base import INSTALLED_APPS as SITE_APPS
from tests.services import MARIADB, POSTGRESQL, Service

# Apps of the tests' own: their outbox_handlers.py, commands and models are found as any site's are.
INSTALLED_APPS = [
    *SITE_APPS,
    "tests.outbox",
    "tests.opskit",
    "tests.automation",
    "tests.system_ops.shop",
    "tests.system_ops.library",
    "tests.system_ops.studio",
]

# An outsider for the tests of the Tasks API; its tables come without its migrations.
if find_spec("django_tasks_db"):
    INSTALLED_APPS.append("django_tasks_db")
    MIGRATION_MODULES = {"django_tasks_database": None}

DATABASE = os.environ.get("OPSKIT_DATABASE", "sqlite")
# Only processes that tests start are told a name. The tests themselves make a database of their
# own (conftest.py), and commands such as makemigrations need none: memory will do for those.
DATABASE_NAME = os.environ.get("OPSKIT_DB_NAME", "")


def server(service: Service, user: str) -> dict[str, Any]:
    """Return what both database servers are asked for in the same words."""
    return {
        "NAME": DATABASE_NAME or "opskit",
        "HOST": service.host,
        "PORT": service.port,
        "USER": service.setting("USER", user),
        "PASSWORD": service.setting("PASSWORD", ""),
    }


DATABASE_CHOICES: dict[str, dict[str, Any]] = {
    "sqlite": sqlite(DATABASE_NAME or ":memory:"),
    "postgresql": {
        "ENGINE": "django.db.backends.postgresql",
        **server(POSTGRESQL, user="postgres"),
    },
    "mariadb": {
        "ENGINE": "django.db.backends.mysql",
        **server(MARIADB, user="root"),
        "OPTIONS": {"charset": "utf8mb4"},
        "TEST": {"CHARSET": "utf8mb4"},
    },
}

if DATABASE not in DATABASE_CHOICES:
    known = ", ".join(DATABASE_CHOICES)
    raise ValueError(f"OPSKIT_DATABASE must be one of {known}, got {DATABASE!r}.")

DATABASES = {"default": DATABASE_CHOICES[DATABASE]}
# A process that a test starts may be told to connect in another way: through a pool.
DATABASES["default"].setdefault("OPTIONS", {}).update(
    json.loads(os.environ.get("OPSKIT_DB_OPTIONS", "{}"))
)

# Safe hashing is slow on purpose; no password here is worth that time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A test that waits for a lease to end shortens it for the processes that it starts.
OUTBOX = json.loads(os.environ.get("OPSKIT_OUTBOX", "{}"))

# What a test tells the monitors that it starts; no test leaves anything in this user's spool.
PERSIST_HEALTH_CHECK_DATA = SYNC_HEALTH_CHECK_DATA = False
HEALTH_CHECK_JOB = {"SPOOL_DIR": str(Path(tempfile.gettempdir()) / f"opskit-spool-{os.getpid()}")}
globals().update(json.loads(os.environ.get("OPSKIT_HEALTH", "{}")))

# What a test tells the runs of job automation that it starts.
JOB_AUTOMATION = json.loads(os.environ.get("OPSKIT_AUTOMATION", "{}"))

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}

# Where each test finds the files of its networks it says itself; no test writes anywhere else.
NETWORK_HC = {"SCRIPT_DIR": (Path(tempfile.gettempdir()) / f"opskit-script-{os.getpid()}")}
NETWORK_HC |= json.loads(os.environ.get("OPSKIT_NETWORK_HC", "{}"))

# No test keeps files but where it says.
MEDIA_ROOT = os.environ.get("OPSKIT_MEDIA_ROOT", "")

# Tests that want a history of their commands say so; files go where each test says.
_OPS = Path(tempfile.gettempdir()) / f"opskit-ops-{os.getpid()}"
MANAGEMENT_COMMANDS = {
    "history": {"enabled": False},
    "backup": {"directory": str(_OPS / "backups")},
    "state_directory": str(_OPS / "state"),
}
MANAGEMENT_COMMANDS |= json.loads(os.environ.get("OPSKIT_SYSTEM_OPS", "{}"))

# Models of the tests have constraints that MariaDB does not keep, and says so at each start.
SILENCED_SYSTEM_CHECKS = ["models.W036", "models.W044"]
