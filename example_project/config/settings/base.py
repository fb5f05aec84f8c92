"""What development, production and the tests have in common."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
from django.utils.translation import gettext_lazy as _

from config import csp, health, operations
from config.databases import database

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# Too short and too well known for production, which brings its own.
SECRET_KEY = "not-a-secret"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "simple_history",
    "django_outbox",
    "django_health_check_job",
    "django_job_automation",
    "django_network_hc",
    "django_system_ops",
    "timetracker",
    "plants",
    "assistants",
]

# Jobs of Django's own Tasks API, stored in the outbox as well.
TASKS = {"default": {"BACKEND": "django_outbox.tasks.OutboxBackend"}}
# Django 5.2 gets the API from an app, which the extra "tasks" brings.
if django.VERSION < (6, 0):
    INSTALLED_APPS.insert(0, "django_tasks")

# The REST API of job automation, with django-opskit[api].
if find_spec("rest_framework"):
    INSTALLED_APPS += ["rest_framework", "drf_spectacular"]
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # No page of its own: it would need styles that the policy below does not let in.
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SPECTACULAR_SETTINGS = {"TITLE": "Example project", "VERSION": "1"}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    csp.MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {"default": database(BASE_DIR / "db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "timetracker:home"
LOGOUT_REDIRECT_URL = "timetracker:home"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish")), ("pl", _("Polish"))]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"

# What the assistants' documents are kept in; nothing hands it out.
MEDIA_ROOT = os.environ.get("DJANGO_MEDIA_DIR") or BASE_DIR / "media"

_PEER = health.peer()
PERSIST_HEALTH_CHECK_DATA = True
SYNC_HEALTH_CHECK_DATA = _PEER is not None
SYNC_SERVER_URL = _PEER.url if _PEER else None
SYNC_APP_ID = _PEER.site if _PEER else None
HEALTH_CHECK_JOB: dict[str, Any] = health.health_check_job(_PEER)

# The rules look at the plants, which have tables of their own.
JOB_AUTOMATION = {"ADAPTER": "plants.adapter.Plants"}

# Trackers, reports and what became of them: nothing that the web server hands out.
NETWORK_HC = {"SCRIPT_DIR": Path(os.environ.get("DJANGO_SCRIPT_DIR", BASE_DIR / "Script"))}

MANAGEMENT_COMMANDS: dict[str, Any] = operations.management_commands(BASE_DIR)

SECURE_CSP = csp.POLICY
SECURE_REFERRER_POLICY = "same-origin"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
    },
    # On stderr: stdout belongs to what commands were asked for.
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        # Named here to lose the handlers that Django gave it: each line once.
        "django": {"level": "INFO"},
        "django_outbox": {"level": "INFO"},
        "django_health_check_job": {"level": "INFO"},
        "job_automation": {"level": "INFO"},
        "django_network_hc": {"level": "INFO"},
        "django_system_ops": {"level": "INFO"},
        "timetracker": {"level": "INFO"},
    },
}
