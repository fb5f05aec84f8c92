"""Tasks that the tests of the Tasks backend enqueue."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.models import User

from django_opskit.tasks import TaskContext, task
from django_outbox.handlers import FailNow, Snooze, aset_progress, set_progress

if TYPE_CHECKING:
    from django_outbox.tasks import OutboxTask


@task
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@task
async def add_later(a: int, b: int = 1) -> int:
    """Add two numbers in a coroutine."""
    return a + b


@task(takes_context=True)
def tell_attempt(context: "TaskContext[..., Any]", succeeds_at: int) -> list[Any]:
    """Fail until the attempt of that number, then tell what was known of those before."""
    if context.attempt < succeeds_at:
        raise LookupError(f"attempt {context.attempt}")
    result = context.task_result
    return [context.attempt, [error.traceback.splitlines()[-1] for error in result.errors]]


@task
def fail() -> None:
    """Raise."""
    raise LookupError("nothing there")


@task
async def fail_later() -> None:
    """Raise in a coroutine."""
    raise LookupError("nothing there")


@task
def fail_for_good() -> None:
    """Say that trying again is no use."""
    raise FailNow("no such customer")


@task
def come_back() -> None:
    """Ask for another time."""
    raise Snooze(60)


@task
def get_halfway() -> None:
    """Tell how far it is."""
    set_progress(1, 2, "halfway")


@task
async def get_halfway_later() -> None:
    """Tell how far it is, in a coroutine."""
    await aset_progress(1, 2, "halfway")


@task
def give(value: Any) -> Any:
    """Return the argument."""
    return value


@task
def give_nul() -> str:
    """Return what no database stores."""
    return "\x00"


@task
def make_user(name: str, fails: bool = False) -> None:
    """Write a row, and fail after it if told so."""
    User.objects.create(username=name)
    if fails:
        raise LookupError("too late")


# Django 6.0 takes no such option in the decorator.
make_user = cast("OutboxTask", make_user).with_options(atomic=True)


def plain() -> None:
    """Be no task."""


hidden = task(plain)
