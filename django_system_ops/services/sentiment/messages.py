"""The site's messages: which they are, whose, when they were written and to whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, NamedTuple

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, FieldError, ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.functions import MD5, Left
from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.conf.sentiment import SentimentSettings
from django_system_ops.engine.sentiment.tokens import LONGEST_TEXT
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.field_paths import leads_to_many
from django_system_ops.services.tenants import Tenants, of_tenants, tenant_path_problem

__all__ = ["Message", "Messages", "Problem", "message_problems", "messages"]

_PLACE = "MANAGEMENT_COMMANDS['sentiment']"
_TEXTS = (models.CharField, models.TextField)


class Problem(NamedTuple):
    """What does not fit the site's models: the number of its check, and a sentence."""

    code: str
    sentence: str


class Message(NamedTuple):
    """
    A message as far as it matters here.

    ``day`` is None where it has no date; ``copies`` are the label and the score in the site's own
    fields, as far as ``sentiment.fields`` names any.
    """

    pk: Any
    text: str
    day: date | None
    tenant: str
    agent: str
    copies: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Messages:
    """Messages of a site, some or all of them, in the order of their keys."""

    model: type[models.Model]
    conf: SentimentSettings
    query: "models.QuerySet[Any]"
    agents: frozenset[str] = frozenset()
    is_of_some_tenants: bool = False

    @property
    def copied_fields(self) -> list[str]:
        """Return the site's own fields that get the label and the score, in this order."""
        return [name for name in (self.conf.fields.label, self.conf.fields.score) if name]

    @property
    def label(self) -> str:
        """Return what the model is called."""
        return self.model._meta.label_lower

    def of(self, tenants: Tenants) -> "Messages":
        """
        Return those of tenants.

        Raises:
            WrongUsageError: tenants are named, and messages are no tenant's.
        """
        if tenants.is_all:
            return self
        if self.conf.shared:
            raise WrongUsageError(
                f"--tenant {tenants}: messages are shared by all tenants; leave --tenant out."
            )
        theirs = self.query.filter(of_tenants(self.model, self.conf.tenant, tenants))
        return replace(self, query=theirs, is_of_some_tenants=True)

    def since(self, moment: datetime) -> "Messages":
        """Return those that were written at a moment or later; for a field of days, on its day."""
        field = field_at(self.model, self.conf.date_field)
        limit: date = moment
        if not isinstance(field, models.DateTimeField):
            limit = timezone.localdate(moment)
        later = self.query.filter(**{f"{self.conf.date_field}__gte": limit})
        return replace(self, query=later)

    def to_agents(self, names: Sequence[str]) -> "Messages":
        """
        Return those to agents of these names.

        Of some tenants an agent is one whom a message of theirs is to: agents need not have a
        tenant themselves, and nobody is told whom another tenant has.

        Raises:
            WrongUsageError: there is no agent of a name, or messages have none.
        """
        if not names:
            return self
        if not self.conf.agent:
            raise WrongUsageError(
                f"--agent {names[0]!r}: messages have no agent; name the way to it in "
                f"{_PLACE}['agent']."
            )
        theirs = self.query.filter(**{f"{self.conf.agent}__in": self._agent_keys(names)})
        return replace(self, query=theirs, agents=frozenset(names))

    def page(self, after: Any, until: Any, size: int) -> list[Message]:
        """Return the next ones behind a key; what is behind ``until`` came later."""
        rows = self.query if after is None else self.query.filter(pk__gt=after)
        conf = self.conf
        columns: list[Any] = [Left(conf.text_field, LONGEST_TEXT), models.F(conf.date_field)]
        paths = (self._tenant_path(), self._agent_path())
        columns += [models.F(path) if path else models.Value("") for path in paths]
        names = ("ops_text", "ops_date", "ops_tenant", "ops_agent")
        found = rows.filter(pk__lte=until).order_by("pk")
        pages = found.annotate(**dict(zip(names, columns, strict=True)))
        return [
            Message(
                pk, text or "", _day(moment), str(tenant or ""), str(agent or ""), tuple(copies)
            )
            for pk, text, moment, tenant, agent, *copies in pages.values_list(
                "pk", *names, *self.copied_fields
            )[:size]
        ]

    def is_meant(self, message: Message) -> bool:
        """Say whether a message is to one of the agents: MariaDB finds names in any case."""
        return not self.agents or message.agent in self.agents

    def last_key(self) -> Any:
        """Return the key of the last one; None where there is none."""
        return self.query.order_by("-pk").values_list("pk", flat=True).first()

    def _tenant_path(self) -> str:
        name = get_conf().tenants.name_field
        return f"{self.conf.tenant}__{name}" if self.conf.tenant else ""

    def _agent_path(self) -> str:
        if not self.conf.agent or self._agent_model() is None:
            return self.conf.agent
        return f"{self.conf.agent}__{self.conf.agent_name_field}"

    def _agent_model(self) -> type[models.Model] | None:
        field = field_at(self.model, self.conf.agent)
        related = field.related_model if isinstance(field, models.ForeignKey) else None
        return related if isinstance(related, type) else None

    def _agent_keys(self, names: Sequence[str]) -> list[Any]:
        model = self._agent_model()
        if model is None or self.is_of_some_tenants:
            rows, field, key = self.query, self._agent_path(), self.conf.agent
        else:
            rows = model._base_manager.using(self.query.db)
            field, key = self.conf.agent_name_field, "pk"
        # An agent may have a million messages. By the digest as well: MariaDB takes two names that
        # differ in case alone for one.
        named = rows.order_by().filter(**{f"{field}__in": names}).annotate(ops_digest=MD5(field))
        pairs = list(named.values_list(field, key, "ops_digest").distinct())
        known = {name for name, _, _ in pairs}
        if unknown := [name for name in names if name not in known]:
            text = f"There is no agent {unknown[0]!r}."
            if self.is_of_some_tenants:
                text = f"These tenants have no messages to an agent {unknown[0]!r}."
            else:
                others = rows.order_by().values_list(field, flat=True).distinct()[:1000]
                close = get_close_matches(unknown[0], [str(one) for one in others], n=3)
                text += f" Did you mean {' or '.join(close)}?" if close else ""
            raise WrongUsageError(text)
        return list(dict.fromkeys(key for name, key, _ in pairs if name in names))


def messages(*, using: str = DEFAULT_DB_ALIAS) -> Messages:
    """
    Return the messages that the settings name.

    Raises:
        WrongUsageError: the settings name none.
        ImproperlyConfigured: they name a model or a field that does not exist.
    """
    conf = get_conf().sentiment
    if not conf.model:
        raise WrongUsageError(
            f"{_PLACE}['model'] does not say what a message is: write it as 'app.Model'."
        )
    for problem in message_problems(conf):
        raise ImproperlyConfigured(problem.sentence)
    model = apps.get_model(conf.model)
    every = model._base_manager.using(using)
    fitting = every.filter(**conf.filter)
    if leads_to_many(model, conf.filter):
        # What fits twice is still one message.
        fitting = every.filter(pk__in=fitting.order_by().values("pk"))
    return Messages(model, conf, fitting)


def message_problems(conf: SentimentSettings) -> Iterator[Problem]:
    """Yield what does not fit the site's models."""
    if not conf.model:
        return
    try:
        model = apps.get_model(conf.model)
    except (LookupError, ValueError):
        sentence = f"{_PLACE}['model']: there is no model {conf.model!r}. Write it as 'app.Model'."
        yield Problem("E075", sentence)
        return
    if len(model._meta.pk_fields) > 1:
        yield Problem("E075", f"{_PLACE}['model']: {conf.model} has a key of several fields.")
    if conf.tenant and (problem := tenant_path_problem(model, conf.tenant)):
        yield Problem("E077", f"{_PLACE}['tenant']: {problem}.")
    for key, problem in _field_problems(model, conf):
        yield Problem("E076", f"{_PLACE}{key}: {problem}.")


def _field_problems(
    model: type[models.Model], conf: SentimentSettings
) -> Iterator[tuple[str, str]]:
    if not isinstance(_own_field(model, conf.text_field), _TEXTS):
        yield "['text_field']", f"{conf.model} has no field {conf.text_field!r} of text"
    if not isinstance(field_at(model, conf.date_field), models.DateField):
        yield "['date_field']", f"{conf.date_field!r} leads to no date"
    if conf.agent:
        agent = field_at(model, conf.agent)
        if isinstance(agent, models.ForeignKey):
            agent = field_at(model, f"{conf.agent}__{conf.agent_name_field}")
        if not isinstance(agent, _TEXTS):
            yield "['agent']", f"{conf.agent!r} leads to no agent with a name"
    for key, kinds, words in (
        ("label", _TEXTS, "text"),
        ("score", (models.FloatField, models.DecimalField), "floats or decimals"),
    ):
        name = getattr(conf.fields, key)
        if name and not isinstance(_own_field(model, name), kinds):
            yield f"['fields']['{key}']", f"{conf.model} has no field {name!r} of {words}"
    try:
        model._base_manager.filter(**conf.filter)
    except (FieldError, ValueError, TypeError) as error:
        yield "['filter']", str(error).rstrip(".")


def field_at(model: type[models.Model], path: str) -> "models.Field[Any, Any] | None":
    """Return the field at the end of a way of foreign keys; None where there is none."""
    *steps, last = path.split("__")
    for step in steps:
        field = _own_field(model, step)
        related = field.related_model if isinstance(field, models.ForeignKey) else None
        if not isinstance(related, type):
            return None
        model = related
    return _own_field(model, last)


def _own_field(model: type[models.Model], name: str) -> "models.Field[Any, Any] | None":
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) and field.concrete else None


def _day(moment: date | None) -> date | None:
    if not isinstance(moment, datetime):
        return moment
    return timezone.localdate(moment)
