"""
Which models hold sites, readings and jobs, and what their fields are called.

``JOB_AUTOMATION["ADAPTER"]`` names a class. :class:`DefaultAdapter` stands for the app's own
models; a site with others derives from :class:`ModelAdapter`::

    class Plants(ModelAdapter):
        site_model = "plants.Plant"
        reading_model = "plants.Telemetry"
        job_model = "plants.WorkOrder"
        site = SiteFields(key="code", label="name", is_active="in_service")
        reading = ReadingFields(site="plant", at="taken_at", value="kwh")
        job = JobFields(site="plant", type="kind", status="stage", created_at="opened_at")
        open_statuses = ("new", "assigned")
        new_status = "new"
"""

from django_job_automation.adapters.fields import (
    JobFields,
    ReadingFields,
    SiteFields,
    moment_of,
)
from django_job_automation.adapters.models import (
    DefaultAdapter,
    ModelAdapter,
    get_adapter,
    parse,
    path_of,
)
from django_job_automation.adapters.stores import JobStore, Opened, Opening, Watched

__all__ = [
    "DefaultAdapter",
    "JobFields",
    "JobStore",
    "ModelAdapter",
    "Opened",
    "Opening",
    "ReadingFields",
    "SiteFields",
    "Watched",
    "get_adapter",
    "moment_of",
    "parse",
    "path_of",
]
