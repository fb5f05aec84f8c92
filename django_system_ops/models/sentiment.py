"""What messages feel like, and how that was on each day."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["SentimentAggregate", "SentimentLabel", "SentimentScore"]


class SentimentLabel(models.TextChoices):
    """What a message feels like."""

    POSITIVE = "positive", _("positive")
    NEGATIVE = "negative", _("negative")
    NEUTRAL = "neutral", _("neutral")
    UNKNOWN = "unknown", _("unknown")


class SentimentScore(models.Model):
    """
    The score of one message by one backend.

    No foreign keys: a site's messages have keys of any kind. Day, tenant and agent are those that
    it was counted under in :class:`SentimentAggregate`, so that it can be taken out there again.
    """

    message_model = KeyField(_("model"), max_length=100)
    message_key = KeyField(_("message"), max_length=100)
    backend = KeyField(_("backend"), max_length=50)
    version = models.CharField(_("version"), max_length=64)
    label = models.CharField(_("sentiment"), max_length=10, choices=SentimentLabel.choices)
    score = models.FloatField(_("score"), help_text=_("From -1 to 1."))
    language = models.CharField(_("language"), max_length=10, blank=True)
    text_digest = models.CharField(max_length=32)
    day = models.DateField(_("day"))
    tenant = KeyField(_("tenant"), max_length=100, blank=True)
    agent = KeyField(_("agent"), max_length=100, blank=True)
    analysed_at = models.DateTimeField(_("analysed at"))

    class Meta:
        verbose_name = _("sentiment of a message")
        verbose_name_plural = _("sentiments of messages")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message_model", "message_key", "backend"], name="dso_sentiment_message"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_model} {self.message_key}: {self.label}"


class SentimentAggregate(models.Model):
    """
    How many messages of a day, an agent and a tenant felt like what.

    It changes in the same transaction as the scores, so that it is their sum at any time.
    """

    message_model = KeyField(_("model"), max_length=100)
    backend = KeyField(_("backend"), max_length=50)
    day = models.DateField(_("day"))
    tenant = KeyField(_("tenant"), max_length=100, blank=True)
    agent = KeyField(_("agent"), max_length=100, blank=True)
    positive = models.BigIntegerField(_("positive"), default=0)
    negative = models.BigIntegerField(_("negative"), default=0)
    neutral = models.BigIntegerField(_("neutral"), default=0)
    unknown = models.BigIntegerField(_("unknown"), default=0)
    score_sum = models.BigIntegerField(
        _("sum of scores"), default=0, help_text=_("In ten-thousandths, without the unknown ones.")
    )

    class Meta:
        verbose_name = _("sentiment of a day")
        verbose_name_plural = _("sentiments of days")
        ordering = ["-day", "tenant", "agent"]
        constraints = [
            models.UniqueConstraint(
                fields=["message_model", "backend", "day", "tenant", "agent"],
                name="dso_sentiment_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.tenant} {self.agent}".strip()

    @property
    def scored(self) -> int:
        """Return how many messages have a score."""
        return self.positive + self.negative + self.neutral

    @property
    def mean_score(self) -> float | None:
        """Return the mean score, from -1 to 1; None where nothing has one."""
        return self.score_sum / 10_000 / self.scored if self.scored else None
