"""
A site that others can reach. What differs between two such sites comes from the environment.

Required: ``DJANGO_SECRET_KEY``, ``DJANGO_ALLOWED_HOSTS`` (comma-separated) and
``DJANGO_CSRF_TRUSTED_ORIGINS`` (comma-separated, each with its scheme). The database: see
``config.databases``. ``DJANGO_BEHIND_TLS_PROXY=1`` when a proxy ends TLS.
"""

from config.environment import flag, required, required_list
from config.settings.base import *  # noqa: F403

DEBUG = False
SECRET_KEY = required("DJANGO_SECRET_KEY", "50 or more random characters that nobody else knows")
ALLOWED_HOSTS = required_list(
    "DJANGO_ALLOWED_HOSTS", "the site's host names, for example time.example.com"
)
CSRF_TRUSTED_ORIGINS = required_list(
    "DJANGO_CSRF_TRUSTED_ORIGINS",
    "the origins that forms are sent from, for example https://time.example.com",
)

SECURE_SSL_REDIRECT = True
# Only behind a proxy that sets this header itself: otherwise any client can send it.
if flag("DJANGO_BEHIND_TLS_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 30 * 24 * 3600
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# Both would bind every other host of the domain to HTTPS, some of them for years. That is for
# the owner of the domain to decide, not for one site on it.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    },
}
