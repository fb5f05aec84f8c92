"""What a site's settings may name by dotted path: good, bad and hanging."""

import threading
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_system_ops.services.health import Finding, State

#: Set by the test that is through with `hang`.
RELEASE = threading.Event()

#: Connections of the threads in which `queries` has run, as they are in those threads.
OPENED: list[BaseDatabaseWrapper] = []

NOT_CALLABLE = 3


def well() -> None:
    """Say nothing, which is well."""


def yes() -> bool:
    return True


def no() -> bool:
    return False


def sentence() -> str:
    return "7 shops are open"


def warns() -> tuple[str, str]:
    return ("warn", "one shop is closed")


def finds() -> Finding:
    return Finding(State.WARN, "a shop is closed", ("the one at the station",))


def senseless() -> dict[str, int]:
    return {"open": 7}


def broken() -> None:
    raise RuntimeError("the till is open")


def leaves() -> None:
    raise SystemExit(7)


async def waits() -> None:
    """Be awaited by nobody."""


def hang() -> None:
    RELEASE.wait()


def hang_the_interpreter() -> None:
    """Hang, with a thread that the interpreter would wait for at its end."""
    threading.Thread(target=threading.Event().wait, daemon=False).start()
    threading.Event().wait()


def tells() -> None:
    from django.conf import settings

    raise RuntimeError(f"cannot sign with {settings.SECRET_KEY}, nor log in with password=geheim1")


def three() -> int:
    return 3


def text() -> Any:
    return "many"


def queries() -> int:
    from django.contrib.auth.models import User

    OPENED.append(connections["default"])
    return User.objects.count()


def hang_the_interpreter_and_say_so() -> None:
    """Hang, after a word by which a test knows that it has come to that."""
    print("hanging", flush=True)  # noqa: T201
    hang_the_interpreter()
