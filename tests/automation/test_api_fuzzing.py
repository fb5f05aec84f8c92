"""Whatever a client sends by the schema, and against it, no answer is a server's error."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application

from django_opskit.tasks import IMPLEMENTATION
from tests.automation.histories import ago, daily
from tests.automation.test_running import plant

pytest.importorskip("schemathesis", reason="it comes with the extra dev")
pytest.importorskip("drf_spectacular", reason="it comes with the extra api")

import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from django_job_automation.api.permissions import RunThrottle

ACCOUNT = ("root", "secret")
BASE = "/api/job-automation"
OPERATIONS = [
    ("GET", f"{BASE}/settings/"),
    ("PUT", f"{BASE}/settings/"),
    ("PATCH", f"{BASE}/settings/"),
    ("POST", f"{BASE}/run-manual/"),
    ("GET", f"{BASE}/dashboard/"),
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.automation.urls")]


@pytest.fixture
def api(monkeypatch, settings) -> Any:
    """Return the schema of a site with a fleet, which an administrator may do anything with."""
    monkeypatch.setattr(RunThrottle, "rate", "1000/sec")
    cache.clear()
    backend = f"{IMPLEMENTATION}.backends.immediate.ImmediateBackend"
    settings.TASKS = {"default": {"BACKEND": backend}}
    User.objects.create_superuser(ACCOUNT[0], password=ACCOUNT[1])
    plant("silent", [(ago(5), "7")])
    plant("flat", daily([5] * 6))
    document = SchemaGenerator(urlconf="tests.automation.urls").get_schema(
        request=None, public=True
    )
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    schema.config.update(base_url="http://testserver")
    return schema


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_answer_is_an_error_of_the_server(api, method, path, mode):
    asked = []

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def ask(case):
        response = case.call(auth=ACCOUNT)
        asked.append(response.status_code)
        assert response.status_code < 500, response.text

    ask()

    # Not all were turned away at the door.
    assert set(asked) - {401, 403, 404, 405}, asked
