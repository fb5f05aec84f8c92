"""
What is counted about the assistants: reports, and how customers sound.

Settings hold these before there is a language: the words are marked here for the catalogue, and a
report looks them up in its own language.
"""

from typing import Any

__all__ = ["REPORTS", "SENTIMENT"]


def _(text: str) -> str:
    """Mark a text for the catalogue. Django's own function for that asks the settings."""
    return text


SENTIMENT: dict[str, Any] = {
    "model": "assistants.Message",
    "date_field": "created_at",
    "tenant": "chat__tenant",
    "agent": "chat__agent",
    "filter": {"role": "user"},
    "fields": {"label": "sentiment", "score": "sentiment_score"},
}

_CHATS = {"model": "assistants.Chat", "tenant": "tenant", "date_field": "started_at"}
_ANSWERS = {
    "model": "assistants.Message",
    "tenant": "chat__tenant",
    "date_field": "created_at",
    "filter": {"role": "agent"},
}
_MOOD = {
    "model": "assistants.Message",
    "tenant": "chat__tenant",
    "date_field": "created_at",
    "filter": {"role": "user"},
}

REPORTS: dict[str, Any] = {
    "usage": {
        "title": _("Usage"),
        "sections": {
            "days": {
                **_CHATS,
                "title": _("Chats by day"),
                "group": "day",
                "chart": "line",
                "metrics": {
                    "chats": {"count": "*", "label": _("Chats")},
                    "customers": {"count_distinct": "user_label", "label": _("Customers")},
                },
            },
            "channels": {
                **_CHATS,
                "title": _("Chats by channel"),
                "group": "channel",
                "chart": "bar",
                "metrics": {"chats": {"count": "*", "label": _("Chats")}},
            },
        },
    },
    "performance": {
        "title": _("Performance"),
        "sections": {
            "answers": {
                **_ANSWERS,
                "title": _("Answers by day"),
                "group": "day",
                "chart": "line",
                "metrics": {
                    "median": {
                        "p50": "response_ms",
                        "label": _("Median"),
                        "unit": "ms",
                        "places": 0,
                    },
                    "p95": {"p95": "response_ms", "label": "95 %", "unit": "ms", "places": 0},
                    "answers": {"count": "*", "label": _("Answers")},
                },
            },
        },
    },
    "agents": {
        "title": _("Agents"),
        "sections": {
            "agents": {
                **_CHATS,
                "title": _("Chats by agent"),
                "group": "agent",
                "group_name_field": "name",
                "group_label": _("Agent"),
                "chart": "bar",
                "metrics": {
                    "chats": {"count": "*", "label": _("Chats")},
                    "solved": {"count": "*", "filter": {"resolved": True}, "hidden": True},
                    "share": {
                        "ratio": ["solved", "chats"],
                        "unit": "%",
                        "places": 1,
                        "label": _("Resolved"),
                    },
                },
            },
        },
    },
    "satisfaction": {
        "title": _("Satisfaction"),
        "sections": {
            "ratings": {
                **_CHATS,
                "title": _("Ratings by agent"),
                "group": "agent",
                "group_name_field": "name",
                "group_label": _("Agent"),
                "chart": "bar",
                "metrics": {
                    "mean": {"avg": "rating", "places": 1, "label": _("Mean rating")},
                    "ratings": {"count": "rating", "label": _("Ratings")},
                },
            },
            "mood": {
                **_MOOD,
                "title": _("How customers sound"),
                "group": "sentiment",
                "group_label": _("Mood"),
                "chart": "bar",
                "metrics": {"messages": {"count": "*", "label": _("Messages")}},
            },
        },
    },
}
