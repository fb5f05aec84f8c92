"""
The tasks that every backend is asked to run.

The module is loaded anew for each backend, so that each declares them with a class of its own.
"""

import sys
from typing import Any

from django_opskit.tasks import TaskContext, task

#: What the tasks have done, in order.
DONE: list[Any] = []


@task
def note(word: Any, *, loud: Any = False) -> str:
    """Say a word."""
    DONE.append((word, loud))
    return f"{word}!" if loud else str(word)


@task
def other_note(word: str) -> None:
    """Say a word in another way."""
    DONE.append(word)


@task
async def note_later(word: str) -> str:
    """Say a word from a coroutine."""
    DONE.append(word)
    return word


@task(takes_context=True)
def describe(context: "TaskContext[..., Any]", word: str) -> dict[str, Any]:
    """Tell what a task knows of itself."""
    result = context.task_result
    return {
        "word": word,
        "attempt": context.attempt,
        "id": result.id,
        "status": str(result.status),
        "args": result.args,
        "name": result.task.name,
    }


@task(takes_context=True)
async def describe_later(context: "TaskContext[..., Any]") -> int:
    """Tell the attempt from a coroutine."""
    return context.attempt


@task
def fail() -> None:
    """Do not do it."""
    raise LookupError("nothing there")


@task
async def fail_later() -> None:
    """Do not do it, in a coroutine."""
    raise LookupError("nothing there")


@task
def leave() -> None:
    """Try to end the process."""
    sys.exit(3)


@task
def give(kind: str) -> Any:
    """Return a value that a JSON column has its trouble with."""
    return {
        "tuple": (1, ("2",)),
        "bytes": b"text",
        "object": object(),
        "none": None,
        "nested": {"a": [None, True, 1.5]},
    }[kind]


def without_context(word: str) -> None:
    """Have no room for a context."""
