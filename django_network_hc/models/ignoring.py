"""Rules that say which findings nobody wants to follow."""

import hashlib
import json

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_network_hc.models.networks import Network
from django_opskit.fields import KeyField
from django_opskit.histories import edit_history

__all__ = ["IgnoreRule"]


class IgnoreRule(models.Model):
    """What is ignored in a network: a test everywhere, a test of a node, or one finding of it."""

    class Scope(models.TextChoices):
        """How much it takes."""

        TEST = "TEST", _("a test on all nodes")
        NODE_TEST = "NODE_TEST", _("a test on a node")
        FINDING = "FINDING", _("a finding of a node")

    class Source(models.TextChoices):
        """Where it comes from: rules of a file come and go with its lines."""

        TEXT_FILE = "TEXT_FILE", _("text file")
        WORKBOOK = "WORKBOOK", _("workbook")
        HERE = "HERE", _("entered here")

    network = models.ForeignKey(
        Network, on_delete=models.CASCADE, related_name="ignore_rules", verbose_name=_("network")
    )
    scope = models.CharField(_("scope"), max_length=9, choices=Scope.choices, default=Scope.TEST)
    test = models.CharField(_("test"), max_length=100)
    hc_id = models.PositiveIntegerField(_("HC id"), null=True, blank=True)
    priority = models.CharField(_("category"), max_length=100, blank=True)
    text = models.TextField(_("finding"), blank=True)
    key = KeyField(max_length=64, editable=False)
    source = models.CharField(
        _("source"), max_length=9, choices=Source.choices, default=Source.HERE, editable=False
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    owner = models.CharField(_("owner"), max_length=200, blank=True)
    expires_on = models.DateField(
        _("expires on"),
        null=True,
        blank=True,
        help_text=_("The last day whose report it takes findings of."),
    )
    hits = models.PositiveIntegerField(
        _("hits"), default=0, editable=False, help_text=_("Findings of the last report.")
    )
    last_hit_on = models.DateField(_("last hit"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    history = edit_history(
        _("history of a rule"),
        _("histories of rules"),
        excluded_fields=["key", "hits", "last_hit_on", "created_at"],
    )

    class Meta:
        verbose_name = _("ignore rule")
        verbose_name_plural = _("ignore rules")
        ordering = ["network", "scope", "test", "hc_id", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "key", "source"],
                name="dnh_rule_once",
                violation_error_message=_("The network has this rule already."),
            )
        ]

    def __str__(self) -> str:
        node = "" if self.hc_id is None else f"{self.hc_id}, "
        return f"{node}{self.test} {self.text}".strip()

    def clean(self) -> None:
        """Refuse a rule that says too little or too much for its scope."""
        super().clean()
        if self.scope == self.Scope.TEST:
            self.hc_id, self.priority, self.text = None, "", ""
        elif self.hc_id is None:
            raise ValidationError({"hc_id": _("Say which node is meant.")})
        if self.scope == self.Scope.NODE_TEST:
            self.priority, self.text = "", ""
        # As a report has them, whatever a browser sends.
        self.text = self.text.replace("\r\n", "\n").strip()
        self.key = self.key_of(self.scope, self.test, self.hc_id, self.priority, self.text)
        others = IgnoreRule.objects.filter(
            network=self.network_id, key=self.key, source=self.source
        )
        if others.exclude(pk=self.pk).exists():
            raise ValidationError(_("The network has this rule already."), code="unique")

    @staticmethod
    def key_of(scope: str, test: str, hc_id: int | None, priority: str, text: str) -> str:
        """Return what makes it the same rule."""
        whole = json.dumps([scope, test, hc_id, priority, text], ensure_ascii=True)
        return hashlib.sha256(whole.encode()).hexdigest()
