"""The published functions and their exception; they live in ``services`` and ``exceptions``."""

from django_health_check_job.exceptions import DjangoHealthCheckJobError
from django_health_check_job.services.publishing import (
    process_payload,
    save_health_check_data_to_db,
    sync_health_check_data_to_monitoring_server,
)

__all__ = [
    "DjangoHealthCheckJobError",
    "process_payload",
    "save_health_check_data_to_db",
    "sync_health_check_data_to_monitoring_server",
]
