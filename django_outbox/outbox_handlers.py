"""What the outbox itself knows how to run: the tasks of ``OutboxBackend``."""

from django_opskit.tasks import IMPLEMENTATION
from django_outbox.services.registry import registry

if IMPLEMENTATION != "inline":
    from django_outbox.services.task_execution import registration_of
    from django_outbox.services.task_results import PREFIX

    registry.add_resolver(PREFIX, registration_of)
