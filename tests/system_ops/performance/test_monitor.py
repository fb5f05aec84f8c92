"""The loop: alerts, recoveries, silence, and what it leaves behind."""

import logging
import threading

from django_system_ops.engine.alerting import Change
from django_system_ops.engine.measuring import Measurement
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.performance import PerformanceMonitor


class Scripted:
    """Measures what it was told to, one after the other; an exception is raised."""

    def __init__(self, *script, name="scripted"):
        self.name = name
        self.script = list(script)
        self.threads = set()
        self.is_ended = threading.Event()

    def begin(self):
        pass

    def measure(self):
        self.threads.add(threading.get_ident())
        value = self.script.pop(0)
        if isinstance(value, BaseException):
            raise value
        yield Measurement("memory", value, "", 100)

    def end(self):
        self.is_ended.set()


class Hanging(Scripted):
    """Hangs at its first question, until the test is over."""

    def __init__(self, released, **kwargs):
        super().__init__(**kwargs)
        self.released = released
        self.asked = 0

    def measure(self):
        self.asked += 1
        self.released.wait(60)
        yield Measurement("hung", 1)


def monitor_of(*sources, samples=8, consecutive=3, **options):
    """Return a monitor of so many samples."""
    return PerformanceMonitor(
        list(sources),
        **{
            "duration_seconds": 0.05 * samples,
            "interval_seconds": 0.05,
            "threshold_percent": 90,
            "consecutive": consecutive,
            "timeout_seconds": 30,
            **options,
        },
    )


def until_empty(source, **options):
    """Run a monitor until the script of this source is at its end; return report and samples."""
    samples = []

    def note(sample):
        samples.append(sample)
        if not source.script:
            monitor.stop()

    monitor = monitor_of(source, duration_seconds=0, on_sample=note, **options)
    return monitor.run(), samples


def test_alert_and_recovery_are_told_once_each():
    told = []
    source = Scripted(*[95] * 5, *[10] * 5)

    report, samples = until_empty(source, on_alert=lambda *words: told.append(words))

    assert told == [
        ("Alert: memory", "memory: 95 % of 100, 3 samples in a row."),
        ("Recovered: memory", "memory: 10 % of 100, 3 samples in a row."),
    ]
    changes = [
        (number, change) for number, one in enumerate(samples) for _, change, _ in one.changes
    ]
    assert changes == [(2, Change.ALERT), (7, Change.RECOVERED)]
    assert (report.alerts, report.has_alerted, report.samples) == ({"memory": 1}, True, 10)


def test_value_on_the_threshold_is_too_high():
    report, _ = until_empty(Scripted(90, 90, 90))

    assert report.alerts == {"memory": 1}


def test_short_peaks_alert_nobody():
    report, _ = until_empty(Scripted(95, 95, 10, 95, 95, 10))

    assert (report.alerts, report.has_alerted) == ({}, False)


def test_source_that_fails_is_reported_alerted_and_asked_again():
    told = []
    away = SystemOpsError("the server is gone")
    source = Scripted(10, away, away, 10, 10, name="database")

    report, samples = until_empty(source, consecutive=2, on_alert=lambda *words: told.append(words))

    assert [one.failures for one in samples] == [
        {},
        {"database": "the server is gone"},
        {"database": "the server is gone"},
        {},
        {},
    ]
    assert told == [
        ("Alert: database", "database: the server is gone, 2 samples in a row."),
        ("Recovered: database", "database: answers again, 2 samples in a row."),
    ]
    assert (report.outages, report.alerts) == ({"database": 2}, {"database": 1})
    assert report.verdict == "Bottleneck: database, no answer in 2 of 5 samples."


def test_source_that_leaves_is_a_failure_and_no_end():
    report, samples = until_empty(Scripted(SystemExit(3), ValueError("odd\nlines"), 5))

    assert [one.failures.get("scripted") for one in samples] == [
        "SystemExit: 3",
        "ValueError: odd lines",
        None,
    ]
    assert report.samples == 3


def test_secrets_of_a_failure_are_masked(settings):
    settings.SECRET_KEY = "key-of-the-site"

    _, samples = until_empty(Scripted(ValueError("no key-of-the-site for password=geheim1"), 5))

    assert samples[0].failures == {"scripted": "ValueError: no ******** for password=********"}


def test_source_that_hangs_is_asked_once_and_holds_nobody_up():
    released = threading.Event()
    hanging, other = Hanging(released, name="hung"), Scripted(*[1] * 5, name="other")
    samples = []

    def note(sample):
        samples.append(sample)
        if not other.script:
            monitor.stop()

    monitor = monitor_of(hanging, other, duration_seconds=0, timeout_seconds=1, on_sample=note)
    try:
        report = monitor.run()
    finally:
        released.set()

    assert hanging.asked == 1
    assert report.outages == {"hung": 5}
    assert [one.measurements[0].metric for one in samples] == ["memory"] * 5
    assert samples[0].failures["hung"].startswith("no answer for ")


def test_slow_sample_skips_ticks_and_does_not_queue_them():
    source = Scripted(1, 1, 1)
    slow = []

    def be_slow(_sample):
        # Not a wait for something: the sample itself takes longer than the grid has room for.
        slow.append(threading.Event().wait(0.3))

    report, _ = _run_with(source, be_slow)

    assert report.samples == 3
    assert report.skipped_ticks >= 9


def _run_with(source, on_sample):
    def note(sample):
        on_sample(sample)
        if not source.script:
            monitor.stop()

    monitor = monitor_of(source, duration_seconds=0, on_sample=note)
    return monitor.run(), None


def test_duration_ends_it_and_every_tick_is_taken_or_skipped():
    report = monitor_of(Scripted(*[1] * 20), samples=20).run()

    assert report.samples + report.skipped_ticks == 20


def test_duration_shorter_than_the_interval_has_one_sample():
    report = monitor_of(Scripted(1), duration_seconds=0.05, interval_seconds=3600).run()

    assert report.samples == 1


def test_stop_before_it_begins_ends_it_at_once():
    monitor = monitor_of(Scripted(1), duration_seconds=0)
    monitor.stop()

    assert monitor.run().samples == 0


def test_stop_ends_the_wait_for_a_source_that_hangs():
    released = threading.Event()
    monitor = monitor_of(Hanging(released, name="hung"), duration_seconds=0, timeout_seconds=600)
    timer = threading.Timer(0.3, monitor.stop)
    timer.start()
    try:
        report = monitor.run()
    finally:
        released.set()

    assert report.samples == 0


def test_each_source_has_one_thread_which_is_let_go():
    source = Scripted(1, 1, 1)

    until_empty(source)

    assert (len(source.threads), source.is_ended.wait(30)) == (1, True)


def test_whoever_cannot_be_told_does_not_end_it(caplog):
    def refuse(subject, text):
        raise ConnectionError("no mail today")

    with caplog.at_level(logging.WARNING, "django_system_ops"):
        report, _ = until_empty(Scripted(95, 95, 95), on_alert=refuse)

    assert report.samples == 3
    assert "alert=memory could not be passed on" in caplog.text
