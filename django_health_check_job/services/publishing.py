"""The published functions, for code that makes its own payloads."""

from collections.abc import Mapping
from typing import Any

from django_health_check_job.conf import get_published
from django_health_check_job.services.incoming import save_health_check_data_to_db
from django_health_check_job.services.transport import send_payload

__all__ = [
    "process_payload",
    "save_health_check_data_to_db",
    "sync_health_check_data_to_monitoring_server",
]


def process_payload(payload: Mapping[str, Any]) -> None:
    """
    Store the payload, send it, or both, as PERSIST_ and SYNC_HEALTH_CHECK_DATA say now.

    One is tried also when the other fails. The first failure is raised afterwards.

    Raises:
        PayloadError: the payload is not as published.
        DjangoHealthCheckJobError, requests.exceptions.RequestException: it was not sent.
        DatabaseError: it was not stored.
    """
    published = get_published()
    try:
        if published.PERSIST_HEALTH_CHECK_DATA:
            save_health_check_data_to_db(payload)
    finally:
        if published.SYNC_HEALTH_CHECK_DATA:
            sync_health_check_data_to_monitoring_server(payload)


def sync_health_check_data_to_monitoring_server(payload: Mapping[str, Any]) -> None:
    """
    Send a payload to ``{SYNC_SERVER_URL}/v1/metrics``, with ``sync_app_id`` added to a copy.

    One attempt, without a store behind it: what the monitor measures is kept until it is taken.

    Raises:
        DjangoHealthCheckJobError: SYNC_SERVER_URL or SYNC_APP_ID is not set.
        requests.exceptions.HTTPError: the server answered with anything but success.
    """
    send_payload(payload)
