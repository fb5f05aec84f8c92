"""
No planted secret leaves the process: not by rows, logs, payloads, mails, pages, or what is printed.

A secret is planted wherever people really have one: in what exceptions say, in options and URLs
of checks, in what servers answer, in the settings of sending and reading, and in wrong settings.
"""

import io
import json
import logging
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import pytest
from django.apps import apps
from django.core import mail, serializers
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client, override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests import HTTPError

from django_health_check_job.checks import check_published, check_settings, check_what_is_set
from django_health_check_job.conf import get_conf, get_published
from django_health_check_job.engine.round import Entry
from django_health_check_job.models import Check, Delivery
from django_health_check_job.probes import discover
from django_health_check_job.services.outbound import describe
from django_health_check_job.services.single_round import run_single_round
from django_health_check_job.services.spool import Spool
from django_health_check_job.utils import sync_health_check_data_to_monitoring_server
from tests.health.probes.servers import Site, site
from tests.health.servers import MonitoringServer, monitoring_server

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.health.urls"),
    pytest.mark.filterwarnings("ignore:`CacheBackend.cache_key`:DeprecationWarning"),
]

APP = "django_health_check_job"

# The middle survives every way of quoting, and is what is looked for; around it stands what
# breaks patterns, quotes and URLs.
_LETTERS = st.sampled_from(string.ascii_letters + string.digits)
# No two letters alike: a row of one letter may stand anywhere by chance.
_CORES = st.lists(_LETTERS, min_size=16, max_size=16, unique=True).map("".join)
_EDGES = st.text("aZ9-._~!$&'()*+,;=\"<>#?/\\ \n\té€", max_size=4)
SECRETS = st.tuples(_EDGES, _CORES, _EDGES)


class LoudError(Exception):
    """Says its secret in every way that an exception has."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self.secret = secret
        self.add_note(secret)

    def __str__(self) -> str:
        return self.secret

    __repr__ = __str__


def errors(secret: str) -> list[BaseException]:
    """Return exceptions that say the secret; SystemExit is what a careless check may raise."""
    chained = RuntimeError(secret)
    chained.__cause__ = ValueError(secret)
    return [
        chained,
        LoudError(secret),
        KeyError(secret),
        OSError(13, secret, secret),
        OperationalError(f'connection to "db" failed: password "{secret}"'),
        ValidationError({"token": [secret]}),
        ExceptionGroup(secret, [ValueError(secret)]),
        UnicodeEncodeError("ascii", secret, 0, 1, secret),
        SystemExit(secret),
    ]


@dataclass
class Configured:
    """A check with a secret among its options, which its ``repr`` would tell."""

    dsn: str
    api_key: str

    def run(self) -> None:
        """Fail with all that it knows."""
        raise ConnectionError(f"{self!r} {self.dsn}")


def raiser(error: BaseException) -> Any:
    def fail() -> None:
        raise error

    return fail


def async_raiser(error: BaseException) -> Any:
    async def fail() -> None:
        raise error

    return fail


def listed(secret: str, core: str, web: Site) -> list[Any]:
    """Return the list of checks: every plant once."""
    host = f"127.0.0.1:{web.port}"
    checks: list[Any] = [
        {"CHECK": maker(error), "NAME": f"{maker.__name__} {number}"}
        for maker in (raiser, async_raiser)
        for number, error in enumerate(errors(secret))
        # asyncio gives these to the loop itself.
        if not (maker is async_raiser and isinstance(error, SystemExit))
    ]
    checks += [
        {"CHECK": Configured, "OPTIONS": {"dsn": f"redis://:{core}@{host}/0", "api_key": secret}},
        {
            "CHECK": f"{APP}.probes.HTTP",
            "OPTIONS": {
                "url": f"http://user:{core}@{host}/page?token={core}",
                "headers": {"Authorization": f"Bearer {core}"},
                "contains": "what is not there",
            },
        },
        {"CHECK": f"{APP}.probes.HTTP", "OPTIONS": {"url": f"http://{host}/moved"}},
        {"CHECK": f"{APP}.probes.Backlog", "OPTIONS": {"source": lambda: secret, "warn_at": 1}},
        {
            "CHECK": f"{APP}.probes.Backlog",
            "OPTIONS": {"source": raiser(LoudError(secret)), "down_at": 1},
        },
    ]
    try:
        from health_check import HealthCheck as Theirs
    except ImportError:
        return checks

    def body(_self: Any) -> None:
        raise RuntimeError(secret)

    both = dict.fromkeys(("run", "check_status"), body)
    return [*checks, {"CHECK": type("Theirs", (Theirs,), {**both, "__module__": __name__})}]


def wrong_settings(secret: str, core: str) -> list[dict[str, Any]]:
    """Return settings that are wrong, each with a secret that its error must not repeat."""
    return [
        {"HEALTH_CHECK_JOB": {"METRICS_TOKEN": [secret]}},
        {"HEALTH_CHECK_JOB": {"SYNC": {"API_KEY": {"key": secret}}}},
        {"HEALTH_CHECK_JOB": {"SYNC": {"HMAC_SECRET": 5, "API_KEY": secret}}},
        {"HEALTH_CHECK_JOB": {"RECEIVER": {"APPS": {"shop": {"API_KEY": [secret]}}}}},
        {"SYNC_SERVER_URL": f"ftp://user:{core}@example.com"},
        {"SYNC_SERVER_URL": f"https://user:{core}@example.com/?token={core}"},
        {"HEALTH_CHECK_JOB": {"CHECKS": [{"CHECK": Configured, "OPTIONS": {"api_key": secret}}]}},
        {
            "HEALTH_CHECK_JOB": {
                "CHECKS": [
                    {
                        "CHECK": f"{APP}.probes.HTTP",
                        "OPTIONS": {"url": f"gopher://user:{core}@example.com/?key={core}"},
                    }
                ]
            }
        },
    ]


def printed(*command: Any, **options: Any) -> str:
    """Return all that a command says, its error included."""
    out, err = io.StringIO(), io.StringIO()
    said = ""
    try:
        call_command(*command, stdout=out, stderr=err, **options)
    except (CommandError, SystemExit) as error:
        said = str(error)
    return out.getvalue() + err.getvalue() + said


def pages(client: Client, token: str) -> str:
    """Return every page and document that shows anything."""
    admin = f"/admin/{APP}"
    addresses = [
        f"{admin}/check/status/",
        *(f"{admin}/{name}/" for name in ("check", "heathcheckjob", "statechange", "delivery")),
        *(f"{admin}/check/{key}/change/" for key in Check.objects.values_list("pk", flat=True)),
        *(
            f"{admin}/delivery/{key}/change/"
            for key in Delivery.objects.values_list("pk", flat=True)
        ),
        *(f"/health/{name}/" for name in ("live", "ready", "metrics", "api/checks", "api/changes")),
        *(
            f"/health/api/checks/{slug}/results/"
            for slug in Check.objects.values_list("slug", flat=True)
        ),
    ]
    answers = [client.get(address) for address in addresses]
    assert not {answer.status_code for answer in answers} - {200, 503}
    with_token = client.get("/health/metrics/", headers={"Authorization": f"Bearer {token}"})
    return "".join(answer.content.decode() for answer in (*answers, with_token))


def rows() -> str:
    """Return every row of the app, histories included."""
    models = apps.get_app_config(APP).get_models()
    return "".join(serializers.serialize("json", model._default_manager.all()) for model in models)


class Stage:
    """What one example needs; with a short repr, since Hypothesis prints it."""

    def __init__(self, **parts: Any) -> None:
        self.health = parts["health"]
        self.settings = parts["settings"]
        self.caplog = parts["caplog"]
        self.client = parts["admin_client"]
        self.changes = parts["changes"]
        self.server: MonitoringServer = parts["server"]
        self.web: Site = parts["web"]
        self.folder: Path = parts["tmp_path"] / "kept"

    def set(self, secret: str, core: str) -> None:
        """Plant the secret everywhere."""
        for model in apps.get_app_config(APP).get_models():
            model._default_manager.all().delete()
        self.caplog.clear()
        self.changes.clear()
        mail.outbox.clear()
        self.server.requests.clear()
        self.server.status = 400
        self.web.answers["/page"] = (200, {}, f"the password is {secret}".encode())
        self.web.answers["/moved"] = (302, {"Location": self.web.url(f"/gone?token={core}")}, b"")
        self.web.answers["/gone"] = (500, {}, secret.encode())
        one = self.settings
        one.PERSIST_HEALTH_CHECK_DATA = one.SYNC_HEALTH_CHECK_DATA = True
        one.SYNC_SERVER_URL = self.server.url.replace("http://", f"http://user:{core}@")
        one.SYNC_APP_ID = "shop"
        mail_works(one)
        self.health(
            CHECKS=listed(secret, core, self.web),
            FAILURES=1,
            MAIL_ADMINS=True,
            METRICS_TOKEN=core,
            SYNC={"API_KEY": core, "HMAC_SECRET": secret, "EXTENDED": True},
            USE_REGISTRIES=False,
        )


@pytest.fixture
def stage(
    health: Any,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    admin_client: Client,
    changes: list[Any],
    tmp_path: Path,
) -> Iterator[Stage]:
    """Give servers and settings that are set anew for each example."""
    with monitoring_server() as server, site() as web:
        yield Stage(**locals())


@settings(
    max_examples=6,
    deadline=None,
    # A secret that leaks is as short as it can be.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(parts=SECRETS)
def test_no_secret_leaves_the_process(parts: tuple[str, str, str], stage: Stage) -> None:
    secret, core = "".join(parts), parts[1]
    stage.set(secret, core)

    with stage.caplog.at_level(logging.DEBUG):
        found = {**run(stage), **said(stage, core), **wrong(secret, core)}
    found |= left(stage)

    # That it looks where something is.
    assert all(found.values()), [place for place, text in found.items() if not text]
    for place in ("rows", "payloads", "pages", "mails", "spool", "signals"):
        assert "RuntimeError" in found[place], place
    for place, text in found.items():
        at = text.find(core)
        assert at < 0, f"{place}: …{text[max(0, at - 200) : at + 40]}…"


def mail_works(settings: Any) -> None:
    """Let mails to the admins go nowhere, as each version of Django wants it."""
    settings.ADMINS = ["a@example.com"] if django.VERSION >= (6, 0) else [("A", "a@example.com")]
    if django.VERSION >= (6, 1):
        locmem = "django.core.mail.backends.locmem.EmailBackend"
        settings.MAILERS = {"default": {"BACKEND": locmem}}


def run(stage: Stage) -> dict[str, str]:
    """Run every check once, store, send, and keep the round in a spool as well."""
    conf = get_conf()
    published = get_published()
    discovery = discover(conf, published)
    one = run_single_round(discovery.specs, conf, stale_after_seconds=60)
    spool = Spool(stage.folder, "me")
    spool.add(Entry(one.round, {}, []))
    spool.close()
    return {
        "conf": f"{conf!r} {conf} {published!r}",
        "outcomes": repr(one),
        "names": repr([spec.name for spec in discovery.specs]),
    }


def said(stage: Stage, core: str) -> dict[str, str]:
    """Return what commands print, pages show, and a refused payload is described by."""
    commands = "".join(
        (
            printed("monitor", once=True),
            printed("monitor", once=True, json=True),
            printed("monitor_doctor"),
            printed("monitor_doctor", json=True),
            printed("monitor_cleanup", dry_run=True),
        )
    )
    with pytest.raises(HTTPError) as refused:
        sync_health_check_data_to_monitoring_server({"checks": [], "timestamp": "2026-01-01"})
    return {
        "commands": commands,
        "pages": pages(stage.client, core),
        "refusal": describe(refused.value),
    }


def wrong(secret: str, core: str) -> dict[str, str]:
    """Return what is said of wrong settings."""
    found = {}
    for number, keys in enumerate(wrong_settings(secret, core)):
        with override_settings(**keys):
            errors = [*check_settings(), *check_published()] or check_what_is_set()
            found[f"wrong setting {number}"] = "".join(f"{one.msg}{one.hint}" for one in errors)
            try:
                get_conf()
                get_published()
            except ImproperlyConfigured as error:
                found[f"wrong setting {number}, raised"] = str(error)
    return found


def left(stage: Stage) -> dict[str, str]:
    """Return what is left when all is over."""
    files = [path for path in stage.folder.rglob("*") if path.is_file()]
    return {
        "rows": rows(),
        "logs": stage.caplog.text,
        "signals": repr(stage.changes),
        "mails": "".join(f"{one.subject}{one.body}" for one in mail.outbox),
        "payloads": "".join(map(json.dumps, stage.server.documents())),
        "spool": "".join(path.read_bytes().decode(errors="replace") for path in files),
    }
