"""The tables of the app."""

from assistants.models.agents import Agent, Tool
from assistants.models.analytics import AnalyticsEvent
from assistants.models.chats import Chat, Message
from assistants.models.knowledge import Document, KnowledgeItem
from assistants.models.tenants import Tenant

__all__ = [
    "Agent",
    "AnalyticsEvent",
    "Chat",
    "Document",
    "KnowledgeItem",
    "Message",
    "Tenant",
    "Tool",
]
