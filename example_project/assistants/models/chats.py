"""What was said."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assistants.models.agents import Agent
from assistants.models.tenants import Tenant

__all__ = ["Chat", "Message"]


class Chat(models.Model):
    """A conversation of a customer with an agent."""

    class Channel(models.TextChoices):
        WEB = "web", _("web")
        EMAIL = "email", _("e-mail")
        WHATSAPP = "whatsapp", "WhatsApp"
        PHONE = "phone", _("phone")

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="chats", db_index=False
    )
    # An agent with chats is put out of service and not removed; with its tenant it goes.
    agent = models.ForeignKey(
        Agent, on_delete=models.RESTRICT, related_name="chats", db_index=False
    )
    user_label = models.CharField(max_length=100, help_text="What the customer is called.")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.WEB)
    rating = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    resolved = models.BooleanField(default=False)
    started_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-pk",)
        indexes = [
            models.Index(fields=["tenant", "updated_at"], name="assistants_chat_changed"),
            models.Index(fields=["agent", "started_at"], name="assistants_chat_agent"),
            models.Index(fields=["updated_at"], name="assistants_chat_date"),
            models.Index(fields=["started_at"], name="assistants_chat_began"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__range=(1, 5)),
                name="assistants_chat_rating",
            ),
            models.CheckConstraint(
                condition=Q(updated_at__gte=models.F("started_at")), name="assistants_chat_times"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_label} {self.started_at:%Y-%m-%d %H:%M}"


class Message(models.Model):
    """One thing that the customer or the agent said."""

    class Role(models.TextChoices):
        USER = "user", _("customer")
        AGENT = "agent", _("agent")

    class Sentiment(models.TextChoices):
        POSITIVE = "positive", _("positive")
        NEUTRAL = "neutral", _("neutral")
        NEGATIVE = "negative", _("negative")
        UNKNOWN = "unknown", _("unknown")

    chat = models.ForeignKey(
        Chat, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    text = models.TextField()
    response_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long the customer waited for it, in milliseconds."
    )
    created_at = models.DateTimeField(default=timezone.now)
    sentiment = models.CharField(
        max_length=10, choices=Sentiment.choices, blank=True, help_text="Empty: not looked at."
    )
    sentiment_score = models.FloatField(null=True, blank=True, help_text="From -1 to 1.")

    class Meta:
        ordering = ("-pk",)
        indexes = [
            models.Index(fields=["chat", "created_at"], name="assistants_message_chat"),
            models.Index(fields=["created_at"], name="assistants_message_date"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(sentiment_score__isnull=True) | Q(sentiment_score__range=(-1, 1)),
                name="assistants_message_score",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:50]
