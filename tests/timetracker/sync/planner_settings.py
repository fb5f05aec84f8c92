"""A second site with a database of its own: the planning system in the tests from end to end."""

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.timetracker.sync.urls"
ALLOWED_HOSTS = ["127.0.0.1"]
TIMETRACKER_API = {
    "API_KEYS": {"tracker": "key-of-the-tracker"},
    "OAUTH_CLIENTS": {"tracker": "secret-of-the-tracker"},
    "REQUESTS_PER_MINUTE": 1_000,
}
