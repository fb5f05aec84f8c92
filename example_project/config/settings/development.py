"""A developer's machine and the demo: convenient, and unfit for anything that others can reach."""

from config.settings.base import *  # noqa: F403

DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

# Said apart from DEBUG, because Django's test runner turns DEBUG off.
TIMETRACKER = {"ALLOW_TEST_DATA": True}

# The site serves its tasks and may read those of another copy of itself, as the demo does.
_DEMO_KEY = "not-a-secret-either"
TIMETRACKER_API = {"API_KEYS": {"demo": _DEMO_KEY}}
TIMETRACKER_SYNC = {"API_KEY": _DEMO_KEY}
