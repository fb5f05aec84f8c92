"""Tasks where no framework is installed: they run at once."""

from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync

from django_opskit import inline_tasks
from django_opskit.inline_tasks import InvalidTask, Task, TaskContext, task, task_backends


@task
def add(a: int, b: int = 1) -> int:
    return a + b


@task(queue_name="slow", takes_context=True)
def describe(context: TaskContext, word: str) -> str:
    return f"{word} {context.attempt} {context.task_result.task.queue_name}"


@task(priority=5)
async def wait_for(word: str) -> str:
    return word


@task()
def echo(value: object) -> object:
    return value


@task
def fail(leave: bool = False) -> None:
    if leave:
        raise SystemExit(3)
    raise LookupError("nothing there")


@task
def be_interrupted() -> None:
    raise KeyboardInterrupt


@task
def return_an_object() -> object:
    return object()


def test_task_runs_in_its_caller():
    result = add.enqueue(2, b=3)

    assert (result.return_value, result.status, result.is_finished) == (5, "SUCCESSFUL", True)
    assert (result.args, result.kwargs, result.errors) == ([2], {"b": 3}, [])


def test_each_result_has_an_id_of_its_own():
    assert add.enqueue(1).id != add.enqueue(1).id


def test_task_can_be_called_as_the_function_that_it_is():
    assert add.call(2) == 3
    assert wait_for.call("now") == "now"


def test_task_knows_its_function():
    assert (add.name, add.module_path) == ("add", "tests.opskit.test_inline_tasks.add")


def test_coroutine_runs_to_its_end():
    assert wait_for.enqueue("now").return_value == "now"


def test_task_can_be_enqueued_from_async_code():
    assert async_to_sync(add.aenqueue)(2).return_value == 3


def test_task_gets_its_context_when_it_asks():
    assert describe.enqueue("try").return_value == "try 1 slow"


def test_task_gets_what_a_queue_would_hand_over():
    assert echo.enqueue((1, {"a": (2,)})).return_value == [1, {"a": [2]}]


def test_argument_that_no_queue_could_carry_is_refused():
    with pytest.raises(TypeError, match="not JSON serializable"):
        echo.enqueue(object())


def test_return_value_that_no_queue_could_carry_is_a_failure():
    assert return_an_object.enqueue().errors[0].exception_class_path == "builtins.TypeError"


@pytest.mark.parametrize(("leave", "kind"), [(False, "LookupError"), (True, "SystemExit")])
def test_task_that_fails_has_a_result_and_spares_its_caller(caplog, leave, kind):
    result = fail.enqueue(leave=leave)

    assert (result.status, result.is_finished) == ("FAILED", True)
    assert result.errors[0].exception_class_path == f"builtins.{kind}"
    assert "in fail" in result.errors[0].traceback
    assert "task=tests.opskit.test_inline_tasks.fail failed" in caplog.text
    with pytest.raises(ValueError, match="'fail' has not succeeded: it is FAILED"):
        _ = result.return_value


def test_interrupt_reaches_the_caller():
    with pytest.raises(KeyboardInterrupt):
        be_interrupted.enqueue()


def test_options_can_be_changed_for_one_call():
    changed = describe.using(queue_name="fast", priority=None)

    assert changed.enqueue("try").return_value == "try 1 fast"
    assert (describe.queue_name, changed.priority) == ("slow", 0)


def test_delay_is_refused_as_by_djangos_immediate_backend():
    with pytest.raises(InvalidTask, match="cannot wait for run_after"):
        add.using(run_after=datetime(2030, 6, 1, 12, tzinfo=UTC))


def test_function_that_no_worker_could_import_is_refused():
    def local() -> None: ...

    with pytest.raises(InvalidTask, match="must be defined at module level"):
        task(local)


def test_there_is_no_backend_to_choose():
    with pytest.raises(KeyError):
        task_backends["default"]


def test_names_are_those_of_the_shim():
    assert isinstance(add, Task)
    assert {"InvalidTask", "Task", "TaskContext", "TaskResult", "TaskResultStatus"} <= set(
        dir(inline_tasks)
    )
