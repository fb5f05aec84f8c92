"""How the integrator's tables are called, and some adapters that are wrong."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from django_job_automation.adapters import (
    DefaultAdapter,
    JobFields,
    ModelAdapter,
    ReadingFields,
    SiteFields,
)


class Meters(ModelAdapter):
    site_model = "tests_automation.Meter"
    reading_model = "tests_automation.Sample"
    job_model = "django_job_automation.Job"
    site = SiteFields(key="code", is_active="in_service", commissioned_at="built_at")
    reading = ReadingFields(site="meter", at="taken_at", value="kwh")


class Orders(Meters):
    job_model = "tests_automation.WorkOrder"
    job = JobFields(
        site="meter", type="kind", status="stage", created_at="opened_at", description="note"
    )
    open_statuses: Sequence[str] = ("new", "assigned")
    new_status = "new"
    closed_status: str | None = "done"


class Tickets(Orders):
    job_model = "tests_automation.Ticket"
    job = JobFields(site="meter", type="kind", status="stage", created_at="opened_at")


class NeverClosed(Orders):
    closed_status = None


class NeverOpen(Orders):
    open_statuses = ("assigned",)


class NoModels(ModelAdapter):
    pass


class NoFields(ModelAdapter):
    site_model = "tests_automation.Meter"
    reading_model = "tests_automation.Sample"
    job_model = "django_job_automation.Job"
    site = SiteFields(key="code")


class NoSuchModel(Meters):
    site_model = "tests_automation.Plant"


class NoSuchField(Meters):
    reading = ReadingFields(site="meter", at="taken_at", value="wh")


class ForeignJobs(Meters):
    job_model = "auth.Group"


class NoIndex(Meters):
    reading_model = "tests_automation.RawSample"
    reading = ReadingFields(site="meter", at="ts", value="counter")


class Stalling(DefaultAdapter):
    """Stops while it finds, before or after its jobs are written, and says so by a file."""

    def eligible(self, *, as_of):
        stall("finding")
        return super().eligible(as_of=as_of)

    def open_jobs(self, openings, *, run, now):
        stall("before")
        opened = super().open_jobs(openings, run=run, now=now)
        stall("after")
        return opened


def stall(moment: str) -> None:
    """Stop for ever, if this is the moment that the test wants."""
    when, path = os.environ["OPSKIT_STALL"].split(":", 1)
    if when == moment:
        Path(path).touch()
        time.sleep(600)


def meet(folder: str, count: int) -> None:
    """Wait until so many processes are here."""
    (Path(folder) / str(os.getpid())).touch()
    while len(list(Path(folder).iterdir())) < count:
        time.sleep(0.01)


class RawMeters(Meters):
    reading_model = "tests_automation.RawSample"
    reading = ReadingFields(site="meter", at="ts", value="counter")


class HalfwayMeters(Meters):
    reading_model = "tests_automation.Halfway"
    reading = ReadingFields(site="meter", at="ts", value="counter")


class LegacyMeters(RawMeters):
    reading_model = "tests_automation.Legacy"


class Units(ModelAdapter):
    site_model = "tests_automation.Unit"
    reading_model = "tests_automation.UnitReading"
    job_model = "django_job_automation.Job"
    site = SiteFields(key="number", group="park", commissioned_at="built_on")
    reading = ReadingFields(site="unit", at="at", value="value")


class UnitsByNumber(Units):
    reading = ReadingFields(site="by_number", at="at", value="value")


class UnitsWithOrders(Units):
    job_model = "tests_automation.UnitOrder"
    job = JobFields(site="unit", type="kind", status="stage", created_at="opened_at")
    open_statuses = ("new",)
    new_status = "new"


class WrongKinds(Meters):
    reading = ReadingFields(site="meter", at="kwh", value="taken_at")
