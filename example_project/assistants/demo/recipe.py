"""The recipe: three months of a small support team."""

import hashlib
from datetime import timedelta

from django.core.files.base import ContentFile

from assistants.demo.articles import ARTICLES
from assistants.demo.conversations import CONVERSATIONS, CUSTOMERS
from assistants.models import Agent, AnalyticsEvent, Chat, Document, KnowledgeItem, Message
from django_system_ops.services.seeding.demo import RecipeContext

__all__ = ["assistants"]

_DAYS = 90
_CHATS = 60
_AGENTS = (
    ("clara", "Clara", "house-large", True),
    ("leo", "Leo", "house-small", True),
    ("retired", "Max (retired)", "house-2024", False),
)


def assistants(context: RecipeContext) -> None:
    """
    Make agents, knowledge with documents, chats with ratings, and events of 90 days.

    Slugs begin with the tenant's, so that what one tenant was shown fits beside another's.
    """
    agents = context.create(
        [
            Agent(
                tenant=context.tenant,
                slug=f"{context.tenant.slug}-{slug}",
                name=name,
                model=model,
                system_prompt=f"You are {name}, of {context.tenant.name}. Be brief and kind.",
                is_active=is_active,
            )
            for slug, name, model, is_active in _AGENTS
        ]
    )
    _knowledge(context)
    chats = _chats(context, agents[:2])
    _events(context, chats)


def _knowledge(context: RecipeContext) -> None:
    items = context.create(
        [
            KnowledgeItem(
                tenant=context.tenant,
                slug=f"{context.tenant.slug}-{slug}",
                title=title,
                content=content,
                category=category,
                language=language,
                updated_at=context.today - timedelta(days=context.random.randrange(_DAYS)),
            )
            for slug, language, category, title, content in ARTICLES
        ]
    )
    documents = []
    # Every other article came from a file, the first of them in a second version.
    for at, item in enumerate(items[::2]):
        for number in (1, 2) if at == 0 else (1,):
            text = f"{item.title} ({number})\n\n{item.content}\n".encode()
            documents.append(
                Document(
                    tenant=context.tenant,
                    item=item,
                    number=number,
                    file=ContentFile(text, f"{item.slug}-{number}.txt"),
                    checksum=hashlib.sha256(text).hexdigest(),
                    uploaded_at=item.updated_at,
                )
            )
    context.create(documents)


def _chats(context: RecipeContext, agents: list[Agent]) -> list[Chat]:
    random = context.random
    chosen = [random.choice(CONVERSATIONS) for _ in range(_CHATS - len(CONVERSATIONS))]
    # Each is there at least once.
    conversations = [*CONVERSATIONS, *chosen]
    chats, said = [], []
    for conversation in conversations:
        began = context.today - timedelta(
            days=random.randrange(1, _DAYS), minutes=-random.randrange(8 * 60, 20 * 60)
        )
        at, times = began, []
        for turn in range(len(conversation.turns)):
            waited_s = random.randrange(1, 12) if turn % 2 else random.randrange(20, 180)
            at += timedelta(seconds=waited_s if turn else 0)
            times.append((at, waited_s * 1000 + random.randrange(1000)))
        chats.append(
            Chat(
                tenant=context.tenant,
                agent=random.choice(agents),
                user_label=random.choice(CUSTOMERS),
                channel=random.choice(Chat.Channel.values),
                rating=random.choice(conversation.ratings),
                resolved=conversation.resolved,
                started_at=began,
                updated_at=at,
            )
        )
        said.append((conversation.turns, times))
    context.create(chats)
    context.create(
        [
            Message(
                chat=chat,
                role=Message.Role.AGENT if turn % 2 else Message.Role.USER,
                text=text,
                response_ms=times[turn][1] if turn % 2 else None,
                created_at=times[turn][0],
            )
            for chat, (turns, times) in zip(chats, said, strict=True)
            for turn, text in enumerate(turns)
        ]
    )
    return chats


def _events(context: RecipeContext, chats: list[Chat]) -> None:
    random = context.random
    events = []
    for chat in chats:
        payload = {"chat": chat.pk, "channel": chat.channel}
        events.append(("chat_started", chat, payload, chat.started_at))
        if chat.rating:
            rated = {**payload, "rating": chat.rating}
            events.append(("chat_rated", chat, rated, chat.updated_at))
    rows = [
        AnalyticsEvent(
            tenant=context.tenant, agent=chat.agent, name=name, payload=payload, created_at=at
        )
        for name, chat, payload, at in events
    ]
    # Looking at pages is nobody's chat.
    rows += [
        AnalyticsEvent(
            tenant=context.tenant,
            name="page_viewed",
            payload={"path": random.choice(("/", "/help/", "/orders/", "/returns/"))},
            created_at=context.today - timedelta(days=day, minutes=-random.randrange(24 * 60)),
        )
        for day in range(1, _DAYS + 1)
        for _ in range(random.randrange(1, 4))
    ]
    context.create(rows)
