"""What job automation has to know of the plants."""

from django_job_automation.adapters import JobFields, ModelAdapter, ReadingFields, SiteFields
from plants.models import OPEN_STAGES

__all__ = ["Plants"]


class Plants(ModelAdapter):
    """Plants, their telemetry and their work orders."""

    site_model = "plants.Plant"
    reading_model = "plants.Telemetry"
    job_model = "plants.WorkOrder"
    site = SiteFields(
        key="code",
        label="name",
        is_active="in_service",
        commissioned_at="built_at",
        snoozed_until="quiet_until",
        group="park",
    )
    reading = ReadingFields(site="plant", at="taken_at", value="kwh")
    job = JobFields(
        site="plant", type="kind", status="stage", created_at="opened_at", description="note"
    )
    open_statuses = OPEN_STAGES
    new_status = "new"
    closed_status = "done"
