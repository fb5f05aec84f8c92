"""The outbox in Django's admin: jobs to look at and to act on, workers, received messages."""

from django_outbox.admin.inbox import InboxAdmin
from django_outbox.admin.jobs import OutboxJobAdmin
from django_outbox.admin.workers import OutboxWorkerAdmin

__all__ = ["InboxAdmin", "OutboxJobAdmin", "OutboxWorkerAdmin"]
