"""What the tests of reports share: talks of two tenants, and reports about them."""

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import django
import pytest
from django.core.management import CommandError, call_command

from tests.system_ops.shop.models import Talk, Tenant

MADRID = ZoneInfo("Europe/Madrid")

BY_AGENT: dict[str, Any] = {
    "model": "shop.Talk",
    "tenant": "tenant",
    "date_field": "started_at",
    "group": "agent",
    "metrics": {"talks": {"count": "*"}},
}
BY_DAY = {**BY_AGENT, "group": "day", "chart": "line"}
ALL: dict[str, Any] = {**BY_AGENT, "group": ""}


@pytest.fixture(autouse=True)
def site(configure: Callable[..., None], settings: Any, tmp_path: Path) -> Path:
    """A site in Madrid with tenants, whose reports go into the test's folder; returns that."""
    settings.TIME_ZONE = "Europe/Madrid"
    settings.LANGUAGE_CODE = "en"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    configure(tenants={"model": "shop.Tenant"})
    return tmp_path / "reports"


@pytest.fixture
def describe(configure: Callable[..., None], site: Path) -> Callable[..., None]:
    """Set the sections of the report "usage": `describe(talks={...})`."""

    def set_sections(**sections: Any) -> None:
        types = {"usage": {"title": "Usage", "sections": sections}}
        configure(reports={"directory": str(site), "types": types})

    return set_sections


def at(text: str, zone: ZoneInfo = MADRID) -> datetime:
    """Return a moment of a time zone, such as 2026-10-05 12:00."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def talk(when: str | datetime = "2026-10-05 12:00", tenant: str = "acme", **fields: Any) -> Talk:
    """Make a talk; a tenant that is not there is made too."""
    owner, _ = Tenant.objects.get_or_create(name=tenant)
    moment = at(when) if isinstance(when, str) else when
    defaults = {"agent": "Ana", "channel": "wa", "day": moment.date()}
    return Talk.objects.create(tenant=owner, started_at=moment, **{**defaults, **fields})


def talks(count: int, **fields: Any) -> None:
    """Make talks that are all alike, a minute apart."""
    owner, _ = Tenant.objects.get_or_create(name=fields.pop("tenant", "acme"))
    start = at("2026-10-05 12:00")
    Talk.objects.bulk_create(
        Talk(
            **{"tenant": owner, "agent": "Ana", "channel": "wa", "day": start.date(), **fields},
            started_at=start + timedelta(minutes=number),
        )
        for number in range(count)
    )


def report(*args: str, **options: Any) -> dict[str, Any]:
    """Make one report as JSON, by default of October 2026; return its document."""
    given = {"period": "2026-10", "format": "json", **options}
    said = run(*args, **given)
    assert said["status"] == 0, said["error"]
    (made,) = said["reports"]
    found: dict[str, Any] = json.loads(Path(made["files"][0]).read_text())
    return found


def section(*args: str, **options: Any) -> dict[str, Any]:
    """Make a report as JSON; return its one section."""
    (found,) = report(*args, **options)["sections"]
    assert isinstance(found, dict)
    return found


def values(found: dict[str, Any], metric: str = "talks") -> dict[Any, Any]:
    """Return one metric of a section by the keys of its rows."""
    return {row["key"]: row["values"][metric] for row in found["rows"]}


def run(*args: str, **options: Any) -> dict[str, Any]:
    """Run the command with --json; return what it said, with its "status" and "error"."""
    out = io.StringIO()
    try:
        call_command("generate_reports", *args, json=True, stdout=out, **options)
    except CommandError as error:
        lines = out.getvalue().splitlines()
        first = json.loads(lines[0]) if lines else {}
        return {**first, "status": error.returncode, "error": str(error)}
    return {**json.loads(out.getvalue()), "status": 0, "error": ""}
