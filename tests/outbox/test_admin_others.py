"""The workers and the received messages in the admin."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from django_outbox.models import Inbox, OutboxWorker

pytestmark = pytest.mark.django_db

WORKERS = "admin:django_outbox_outboxworker_changelist"
MESSAGES = "admin:django_outbox_inbox_changelist"


@pytest.fixture
def workers():
    now = timezone.now()
    return [
        OutboxWorker.objects.create(
            name=name, host="h", pid=1, queues=["default", "mail"], seen_at=now - ago
        )
        for name, ago in (("fresh", timedelta(0)), ("gone", timedelta(minutes=2)))
    ]


def test_workers_are_alive_or_silent_by_the_lease(admin_client, workers):
    page = admin_client.get(reverse(WORKERS)).content.decode()

    assert page.count(">alive<") == page.count(">silent<") == 1
    assert "default, mail" in page
    assert page.index(">alive<") < page.index("gone")


def test_page_of_a_worker_says_when_it_was_seen(admin_client, workers):
    url = reverse("admin:django_outbox_outboxworker_change", args=["gone"])

    page = admin_client.get(url).content.decode()

    assert "s ago" in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize("model", ["outboxworker", "inbox"])
def test_nobody_adds_changes_or_deletes_them(admin_client, workers, model):
    message = Inbox.objects.create(consumer="c", message_id="m")
    key = "fresh" if model == "outboxworker" else message.pk
    base = f"admin:django_outbox_{model}"

    added = admin_client.get(reverse(f"{base}_add"))
    deleted = admin_client.post(reverse(f"{base}_delete", args=[key]), {"post": "yes"})
    admin_client.post(reverse(f"{base}_change", args=[key]), {"host": "x", "consumer": "x"})

    assert (added.status_code, deleted.status_code) == (403, 403)
    assert OutboxWorker.objects.get(name="fresh").host == "h"
    assert Inbox.objects.get().consumer == "c"


def test_message_is_found_by_its_whole_id_whoever_received_it(admin_client):
    for consumer in ("", "billing", "crm"):
        Inbox.objects.create(consumer=consumer, message_id="m-1")
        Inbox.objects.create(consumer=consumer, message_id="m-10")

    def found(term):
        changelist = admin_client.get(reverse(MESSAGES), {"q": term}).context["cl"]
        return [(row.consumer, row.message_id) for row in changelist.result_list]

    assert found("m-1") == [("crm", "m-1"), ("billing", "m-1"), ("", "m-1")]
    assert found("m-") == []
    assert len(found(" ")) == 6
