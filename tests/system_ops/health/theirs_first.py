"""Settings of a site with django-health-check, which comes before us."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as TESTS_APPS

INSTALLED_APPS = ["health_check", *TESTS_APPS]
ROOT_URLCONF = "tests.system_ops.health.peer_urls"
