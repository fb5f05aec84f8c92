"""
Settings of the Django sites that are measured.

``BENCH_DATABASE`` is the database as Django writes it, in JSON. ``BENCH_OPTIONS`` may hold
``"app"`` (the app with the jobs; ours by default) and ``"conn_max_age"``.
"""

import json
import os
from importlib.util import find_spec
from typing import Any

_options: dict[str, Any] = json.loads(os.environ.get("BENCH_OPTIONS", "{}"))
_app: str = _options.get("app", "django_outbox")

SECRET_KEY = "not-a-secret"  # noqa: S105
INSTALLED_APPS = [_app, "benchmarks.site"]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **json.loads(os.environ["BENCH_DATABASE"]),
        "CONN_MAX_AGE": _options.get("conn_max_age", 0),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING_CONFIG = None
MIGRATION_MODULES: dict[str, str] = {}

OUTBOX: dict[str, Any] = _options.get("outbox", {})

_backends = {
    "django_outbox": "django_outbox.tasks.OutboxBackend",
    "django_tasks_db": "django_tasks_db.DatabaseBackend",
}
# The outbox works without its Tasks backend too.
if _app != "django_outbox" or find_spec("django_outbox.tasks"):
    TASKS = {"default": {"BACKEND": _backends[_app]}}
