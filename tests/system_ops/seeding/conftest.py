"""What the tests of made-up rows share."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

TENANTS = {"model": "shop.Tenant"}
HERE = "tests.system_ops.seeding.made_up"


@pytest.fixture
def media(settings: Any, tmp_path: Any) -> Any:
    """A directory for files."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture
def shop(configure: Callable[..., None], media: Any) -> None:
    """Tenants, steps and a recipe."""
    configure(
        tenants=TENANTS,
        init={"tenants": {"acme": {}, "zenith": {}}, "steps": [f"{HERE}.tags", f"{HERE}.chats"]},
        demo={"recipes": [f"{HERE}.demo"]},
        data={
            "types": {
                "chats": {"model": "shop.Chat", "tenant": "tenant"},
                "messages": {"model": "shop.Message", "tenant": "chat__tenant"},
                "events": {"model": "shop.Event", "shared": True},
            }
        },
    )


def run(name: str, *args: str, **options: Any) -> dict[str, Any]:
    """Run a command; return its document with `status` and `sentence`."""
    output = io.StringIO()
    status, sentence = 0, ""
    try:
        call_command(name, *args, json=True, stdout=output, **options)
    except CommandError as error:
        status, sentence = error.returncode, str(error)
    document = json.loads(output.getvalue() or "{}")
    return {**document, "status": status, "sentence": sentence}
