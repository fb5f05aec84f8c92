"""SIGTERM and SIGINT inside this process; see test_command_processes for real commands."""

import signal
import threading
from collections.abc import Iterator

import pytest

from django_opskit.stopping import Terminated, on_stop_signals, terminate_as_interrupt

BOTH = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def earlier() -> Iterator[list[int]]:
    """Handlers that stood before: they note what reaches them."""
    heard: list[int] = []
    before = [(number, signal.getsignal(number)) for number in BOTH]
    for number in BOTH:
        signal.signal(number, lambda signum, frame: heard.append(signum))
    yield heard
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_first_signal_asks_and_each_one_after_it_orders(earlier, number):
    heard: list[str] = []

    with on_stop_signals(lambda: heard.append("first"), lambda: heard.append("second")):
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)

    assert heard == ["first", "second", "second"]
    assert earlier == []


def test_signal_that_comes_while_the_first_is_heard_is_the_second(earlier):
    heard: list[str] = []

    def first() -> None:
        signal.raise_signal(signal.SIGTERM)
        heard.append("first")

    with on_stop_signals(first, lambda: heard.append("second")):
        signal.raise_signal(signal.SIGTERM)

    assert heard == ["second", "first"]


def test_handlers_are_put_back_also_after_a_failure(earlier):
    with pytest.raises(RuntimeError), on_stop_signals(lambda: None, lambda: None):
        raise RuntimeError

    for number in BOTH:
        signal.raise_signal(number)
    assert earlier == list(BOTH)


def test_sigterm_unwinds_once_and_then_means_what_it_meant_before(earlier):
    with pytest.raises(Terminated), terminate_as_interrupt():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)

    assert earlier == [signal.SIGTERM]


def test_sigterm_handler_is_put_back_when_nothing_came(earlier):
    with terminate_as_interrupt():
        pass

    signal.raise_signal(signal.SIGTERM)
    assert earlier == [signal.SIGTERM]


def test_ctrl_c_stays_with_its_handler_while_sigterm_unwinds(earlier):
    with terminate_as_interrupt():
        signal.raise_signal(signal.SIGINT)

    assert earlier == [signal.SIGINT]


def test_other_threads_leave_the_signals_alone(earlier):
    seen: list[bool] = []
    before = [signal.getsignal(number) for number in BOTH]

    def work() -> None:
        with on_stop_signals(lambda: None, lambda: None), terminate_as_interrupt():
            seen.append([signal.getsignal(number) for number in BOTH] == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [True]


def test_handler_of_another_language_is_left_alone(earlier, monkeypatch):
    """A mock: only a program that embeds Python, as uWSGI does, has such handlers."""
    monkeypatch.setattr(signal, "getsignal", lambda number: None)

    with on_stop_signals(lambda: None, lambda: None), terminate_as_interrupt():
        signal.raise_signal(signal.SIGTERM)

    assert earlier == [signal.SIGTERM]
