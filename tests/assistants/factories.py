"""One of each, fixed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from assistants.models import Agent, AnalyticsEvent, Chat, Document, KnowledgeItem, Message, Tenant

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def tenant(slug: str = "demo") -> Tenant:
    """The tenant of this slug."""
    return Tenant.objects.get_or_create(slug=slug, defaults={"name": slug.title()})[0]


def agent(slug: str = "ana", *, of: str = "demo") -> Agent:
    """The agent of this slug."""
    return Agent.objects.get_or_create(
        tenant=tenant(of), slug=slug, defaults={"name": slug.title()}
    )[0]


def chat(*, of: str = "demo", messages: int = 2, **fields: Any) -> Chat:
    """A chat with as many messages."""
    made = Chat.objects.create(
        **{
            "tenant": tenant(of),
            "agent": agent(of=of),
            "user_label": "Eva",
            "started_at": NOON,
            "updated_at": NOON,
            **fields,
        }
    )
    for number in range(messages):
        Message.objects.create(
            chat=made,
            role=Message.Role.AGENT if number % 2 else Message.Role.USER,
            text=f"message {number}",
            created_at=NOON + timedelta(minutes=number),
        )
    return made


def item(slug: str = "returns", *, of: str = "demo") -> KnowledgeItem:
    """The item of this slug."""
    return KnowledgeItem.objects.get_or_create(
        tenant=tenant(of), slug=slug, defaults={"title": slug.title(), "content": "x"}
    )[0]


def document(number: int = 1, *, of: str = "demo") -> Document:
    """A version of an item's document; its file is not there."""
    return Document.objects.create(
        tenant=tenant(of), item=item(of=of), number=number, file=f"documents/{number}.txt"
    )


def event(name: str = "opened", *, of: str = "demo") -> AnalyticsEvent:
    """Something that happened."""
    return AnalyticsEvent.objects.create(
        tenant=tenant(of), agent=agent(of=of), name=name, created_at=NOON
    )
