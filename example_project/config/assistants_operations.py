"""What commands know of the assistants: whose data it is, what ages, what is made up."""

from typing import Any

__all__ = [
    "CLEANUP_TYPES",
    "DATA_TYPES",
    "DEMO",
    "INIT",
    "KNOWLEDGE_BASE",
    "TENANTS",
    "TEST_DATA",
]

TENANTS = {"model": "assistants.Tenant", "name_field": "slug"}

# In an order in which each finds what it points at.
DATA_TYPES: dict[str, dict[str, Any]] = {
    "tools": {
        "model": "assistants.Tool",
        "shared": True,
        "key": ["name"],
        "secret_fields": ["api_key"],
    },
    "agents": {"model": "assistants.Agent", "tenant": "tenant", "key": ["slug"]},
    "knowledge": {
        "model": "assistants.KnowledgeItem",
        "tenant": "tenant",
        "date_field": "updated_at",
        "key": ["slug"],
    },
    "documents": {
        "model": "assistants.Document",
        "tenant": "tenant",
        "date_field": "uploaded_at",
    },
    "chats": {"model": "assistants.Chat", "tenant": "tenant", "date_field": "updated_at"},
    "messages": {
        "model": "assistants.Message",
        "tenant": "chat__tenant",
        "date_field": "created_at",
    },
    "analytics": {
        "model": "assistants.AnalyticsEvent",
        "tenant": "tenant",
        "date_field": "created_at",
    },
}

CLEANUP_TYPES: dict[str, dict[str, Any]] = {
    "chats": {
        "model": "assistants.Chat",
        "date_field": "updated_at",
        "tenant": "tenant",
        "days": 365,
    },
    "analytics": {
        "model": "assistants.AnalyticsEvent",
        "date_field": "created_at",
        "tenant": "tenant",
        "days": 90,
    },
}

INIT = {
    "tenants": {"demo": {"name": "Demo"}, "demo2": {"name": "Demo 2"}},
    "steps": ["assistants.initial.default_tools", "assistants.initial.basic_agents"],
}

DEMO = {"recipes": ["assistants.demo.assistants"]}

KNOWLEDGE_BASE = {"steps": ["assistants.versions.HeadedText"]}

TEST_DATA = {
    "scenarios": {
        "high_load": {
            "assistants.Agent": {"count": 20},
            "assistants.Chat": {"share": 1},
            "assistants.Message": {"per": {"assistants.Chat": 8}},
            "assistants.AnalyticsEvent": {"per": {"assistants.Chat": 4}},
        },
    },
}
