"""
Checks of django-health-check: the same outcomes on both its lines.

Run by tox with 3.24 and with 4.8. A body is written once; the line that is installed decides
whether it is a ``check_status`` or a ``run``.
"""

import asyncio
import dataclasses
import datetime
from functools import wraps
from importlib.util import find_spec
from typing import Any

import pytest
from django.utils import translation

from django_health_check_job.conf import HealthCheckJobSettings, PublishedSettings
from django_health_check_job.engine.outcome import State
from django_health_check_job.probes import HealthCheckProbe, Probe, discover
from django_health_check_job.probes.health_check import is_health_check
from tests.health.probes.outcomes import outcome_of

pytest.importorskip("health_check", reason="django-health-check is an extra")

from health_check import HealthCheck
from health_check.exceptions import (
    HealthCheckException,
    ServiceReturnedUnexpectedResult,
    ServiceUnavailable,
    ServiceWarning,
)

IS_4 = find_spec("health_check.base") is not None
BODY = "run" if IS_4 else "check_status"

# 3.24 warns of its own Cache whenever one is made.
pytestmark = pytest.mark.filterwarnings("ignore:`CacheBackend.cache_key`:DeprecationWarning")


def check(body: Any, name: str = "Broker", **attributes: Any) -> type:
    """Return a check of the installed line that does what ``body`` does."""
    return type(name, (HealthCheck,), {BODY: body, "__module__": __name__, **attributes})


def raising(error: Exception | None) -> type:
    """Return a check that raises this, or nothing."""

    def body(self: Any) -> None:
        if error is not None:
            raise error

    return check(body)


class DiskTrouble(HealthCheckException):  # type: ignore[misc]  # the library has no types
    """An error with a word of its own."""

    message_type = "Disk Trouble"


class Wordless(HealthCheckException):  # type: ignore[misc]  # the library has no types
    """An error with a text of its own."""

    def __str__(self) -> str:
        return f"in my words: {self.message}"


class DiskWarning(ServiceWarning):  # type: ignore[misc]  # the library has no types
    """A warning of somebody's own."""


OUTCOMES = [
    (None, (State.UP, "OK")),
    (ServiceUnavailable("it is away"), (State.DOWN, "unavailable: it is away")),
    (ServiceReturnedUnexpectedResult("41"), (State.DOWN, "unexpected result: 41")),
    (HealthCheckException("odd"), (State.DOWN, "unknown error: odd")),
    (ServiceWarning("nearly full"), (State.WARN, "warning: nearly full")),
    (DiskWarning("nearly full"), (State.WARN, "warning: nearly full")),
    (DiskTrouble("sda"), (State.DOWN, "Disk Trouble: sda")),
    (Wordless("sda"), (State.DOWN, "in my words: sda")),
]


@pytest.mark.parametrize(("error", "outcome"), OUTCOMES)
def test_what_a_check_raises_has_a_meaning(error, outcome):
    probe = HealthCheckProbe(raising(error))

    assert isinstance(probe, Probe)
    assert outcome_of(probe) == outcome


def test_message_does_not_depend_on_the_language():
    with translation.override("pl"):
        outcome = outcome_of(HealthCheckProbe(raising(ServiceWarning("nearly full"))))

    assert outcome == (State.WARN, "warning: nearly full")


def test_unexpected_exception_leaves_the_check_as_it_is():
    """The runner publishes its type alone: here it has not become a text yet."""
    with pytest.raises(ValueError, match="hunter2"):
        outcome_of(HealthCheckProbe(raising(ValueError("postgres://anna:hunter2@db"))))


def test_system_exit_does_not_vanish():
    def body(self):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        outcome_of(HealthCheckProbe(check(body)))


@pytest.mark.parametrize(
    ("attributes", "critical"), [({}, True), ({"critical_service": False}, False)]
)
def test_check_says_whether_it_is_critical(attributes, critical):
    assert HealthCheckProbe(check(lambda self: None, **attributes)).critical is critical


@dataclasses.dataclass
class Queue(check(lambda self: None)):  # type: ignore[misc]  # made for the installed line
    """A check with options."""

    host: str = "localhost"
    password: str = dataclasses.field(default="", repr=False)
    client: Any = None


@dataclasses.dataclass(repr=False)
class Anonymous(check(lambda self: None)):  # type: ignore[misc]  # made for the installed line
    """A check that nobody has given a repr."""

    __repr__ = object.__repr__


@pytest.mark.parametrize(
    ("check_class", "options", "name"),
    [
        (check(lambda self: None), {}, "Broker"),
        (check(lambda self: None, identifier=lambda self: "My broker"), {}, "My broker"),
        (check(lambda self: None, __repr__=lambda self: "Broker at home"), {}, "Broker at home"),
        (check(lambda self: None, __qualname__="test.<locals>.Broker"), {}, "Broker"),
        (Queue, {"password": "hunter2"}, "Queue(host='localhost', client=None)"),
        (Queue, {"client": print}, "Queue(host='localhost', client=<built-in function print>)"),
        (Anonymous, {}, "Anonymous"),
    ],
)
def test_identity_of_a_check_is_its_own(check_class, options, name):
    assert HealthCheckProbe(check_class, options).name == name


def test_address_in_memory_is_no_part_of_a_name():
    name = HealthCheckProbe(Queue, {"client": raising}).name

    assert name == "Queue(host='localhost', client=<function raising>)"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Cache", "Database"])
def test_checks_of_the_library_run_and_have_one_name_on_both_lines(name):
    conf = HealthCheckJobSettings.read_with({"CHECKS": [f"health_check.{name}"]})

    found = discover(conf, PublishedSettings())

    assert found.problems == []
    assert [spec.name for spec in found.specs] == [f"{name}(alias='default')"]
    assert outcome_of(found.specs[0].make()) == (State.UP, "OK")


def test_what_is_a_check_of_the_library_is_known_by_its_class():
    assert is_health_check(raising(None))
    assert not is_health_check(raising(None)())
    assert not is_health_check(int)
    assert not is_health_check("health_check.Cache")


if IS_4:

    def test_async_check_runs_on_a_loop():
        async def body(self):
            await asyncio.sleep(0)

        probe = HealthCheckProbe(check(body))

        assert probe.is_async
        assert outcome_of(probe) == (State.UP, "OK")

    @pytest.mark.parametrize(("error", "outcome"), OUTCOMES[1:])
    def test_what_an_async_check_raises_means_the_same(error, outcome):
        async def body(self):
            await asyncio.sleep(0)
            raise error

        assert outcome_of(HealthCheckProbe(check(body))) == outcome

    def test_check_that_hides_that_it_is_async_is_awaited():
        async def body(self):
            await asyncio.sleep(0)
            raise ServiceUnavailable("it is away")

        @wraps(body)
        def hidden(self):
            return body(self)

        probe = HealthCheckProbe(check(hidden))

        assert not probe.is_async
        assert outcome_of(probe) == (State.DOWN, "unavailable: it is away")

    @pytest.mark.parametrize(
        ("attributes", "seconds"),
        [
            # The default of the base is everybody's, and nobody's own limit.
            ({}, None),
            ({"timeout": datetime.timedelta(seconds=2)}, 3.0),
            ({"timeout": 2}, None),
        ],
    )
    def test_own_limit_of_a_check_has_a_second_for_its_client(attributes, seconds):
        probe = HealthCheckProbe(check(lambda self: None, **attributes))

        assert probe.timeout_seconds == seconds

else:

    @pytest.mark.parametrize(
        ("errors", "outcome"),
        [
            (["no answer"], (State.DOWN, "unknown error: no answer")),
            ([ValueError("hunter2")], (State.DOWN, "unknown error: unknown error")),
            ([ServiceWarning("a"), ServiceWarning("b")], (State.WARN, "warning: a\nwarning: b")),
            (
                [ServiceWarning("a"), ServiceUnavailable("b")],
                (State.DOWN, "warning: a\nunavailable: b"),
            ),
        ],
    )
    def test_check_may_have_several_errors(errors, outcome):
        def body(self):
            for error in errors:
                self.add_error(error)

        assert outcome_of(HealthCheckProbe(check(body))) == outcome

    def test_error_that_went_around_add_error_is_told_by_its_type():
        def body(self):
            self.errors.append(ValueError("hunter2"))

        assert outcome_of(HealthCheckProbe(check(body))) == (
            State.DOWN,
            "unexpected ValueError",
        )

    def test_errors_of_an_earlier_run_are_forgotten():
        complaints = [ServiceUnavailable("it is away")]

        def body(self):
            if complaints:
                raise complaints.pop()

        probe = HealthCheckProbe(check(body))

        assert outcome_of(probe)[0] is State.DOWN
        assert outcome_of(probe) == (State.UP, "OK")

    def test_checks_of_this_line_have_no_limit_of_their_own():
        probe = HealthCheckProbe(check(lambda self: None, timeout=datetime.timedelta(seconds=2)))

        assert (probe.timeout_seconds, probe.is_async) == (None, False)

    def test_registered_plugins_are_run():
        from health_check.plugins import plugin_dir

        plugin_dir.register(raising(None))
        plugin_dir.register(Queue, host="mq")

        found = discover(HealthCheckJobSettings(), PublishedSettings())

        names = [spec.name for spec in found.specs]
        assert names == ["Broker", "Queue(host='mq', client=None)"]
        assert found.problems == []


def test_view_of_the_library_tells_its_checks(settings):
    settings.ROOT_URLCONF = "tests.health.probes.health_check_urls"

    given = discover(HealthCheckJobSettings(VIEW="given"), PublishedSettings())
    own = discover(HealthCheckJobSettings(VIEW="own"), PublishedSettings())

    assert [spec.name for spec in given.specs] == [
        "Cache(alias='default')",
        "Queue(host='mq', client=None)",
        "Broker",
    ]
    assert [spec.name for spec in own.specs] == ["Broker"]
    assert given.problems == own.problems == []
