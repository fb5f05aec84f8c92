"""
Scores and sums, in one transaction for each batch.

The sums of a batch are locked before its scores are read again: so two runs that meet wait for each
other, and what is taken out of a sum is what was put in, whoever did it.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from django.db import connections, models

from django_system_ops.engine.sentiment.results import LABELS, UNKNOWN, Sentiment
from django_system_ops.models import SentimentAggregate, SentimentScore
from django_system_ops.services.cleanup.statements import patiently, writing
from django_system_ops.services.sentiment.messages import Message, Messages

__all__ = ["Group", "Scored", "Store", "Stored", "fitting"]

_UNITS = 10_000
_LONGEST_NAME = 100
# Days with a tenant that one statement asks for; SQLite follows no more than 1,000 of them.
_CONDITIONS = 100
_SCORE_KEY = ["message_model", "message_key", "backend"]
_SCORE_VALUES = [
    *("version", "label", "score", "language", "text_digest"),
    *("day", "tenant", "agent", "analysed_at"),
]
_SUM_KEY = ["message_model", "backend", "day", "tenant", "agent"]
_SUM_VALUES = [*LABELS, "score_sum"]


class Group(NamedTuple):
    """What messages are counted by."""

    day: date
    tenant: str
    agent: str


class Stored(NamedTuple):
    """The score that a message has."""

    version: str
    text_digest: str
    group: Group
    label: str
    score: float


@dataclass(frozen=True)
class Scored:
    """A message, and the score that it gets."""

    message: Message
    group: Group
    text_digest: str
    sentiment: Sentiment


@dataclass(frozen=True)
class Store:
    """
    Where the scores of some messages by some backend are kept.

    Attributes:
        has_copies: whether the site's own fields show what this backend says.
    """

    messages: Messages
    backend: str
    version: str
    using: str
    has_copies: bool = True

    def stored(self, keys: Iterable[Any]) -> dict[str, Stored]:
        """Return the scores of messages, by their keys as text."""
        rows = SentimentScore.objects.using(self.using).filter(
            message_model=self.messages.label,
            backend=self.backend,
            message_key__in=[str(key) for key in keys],
        )
        return {
            key: Stored(version, digest, Group(day, tenant, agent), label, score)
            for key, version, digest, day, tenant, agent, label, score in rows.values_list(
                *("message_key", "version", "text_digest", "day", "tenant", "agent"),
                *("label", "score"),
            )
        }

    def is_copied(self, message: Message, stored: Stored) -> bool:
        """Say whether the site's own fields hold the score that a message has."""
        if not (self.has_copies and self.messages.copied_fields):
            return True
        sentiment = Sentiment(stored.label, stored.score, "")
        return all(map(_is_same, message.copies, self._copies(sentiment)))

    def write(
        self,
        batch: Sequence[Scored],
        before: Mapping[str, Stored],
        now: datetime,
        gone: Collection[str] = (),
    ) -> None:
        """
        Write scores, the sums that they are part of, and the site's own fields.

        Args:
            batch: the messages and what they get.
            before: the scores that were found, by the keys of messages.
            now: when they were scored.
            gone: the keys of those of ``before`` that belong to no day any more.
        """
        patiently(self.using, partial(self._write, batch, before, now, gone))

    def _write(
        self,
        batch: Sequence[Scored],
        before: Mapping[str, Stored],
        now: datetime,
        gone: Collection[str],
    ) -> None:
        groups = {one.group for one in batch} | {one.group for one in before.values()}
        with writing(SentimentScore, self.using):
            sums = self._locked(groups)
            stored = self.stored([*(one.message.pk for one in batch), *gone])
            if moved := {one.group for one in stored.values()} - sums.keys():
                sums |= self._locked(moved)  # another run was here between
            for one in batch:
                old = stored.get(str(one.message.pk))
                if old is not None:
                    _count(sums[old.group], old.label, old.score, -1)
                _count(sums[one.group], one.sentiment.label, one.sentiment.score, 1)
            self._forget({key: stored[key] for key in gone if key in stored}, sums)
            self._upsert([self._row(one, now) for one in batch], _SCORE_KEY, _SCORE_VALUES)
            self._upsert(list(sums.values()), _SUM_KEY, _SUM_VALUES)
            self._copy(batch)

    def _locked(self, groups: Iterable[Group]) -> dict[Group, SentimentAggregate]:
        """Return the sums of groups, made where there are none, for nobody else to change."""
        wanted = set(groups)
        found = self._sums(wanted)
        # Only those that are missing: MariaDB would lock the others for reading, and two runs that
        # both want to write then would wait for each other.
        if missing := sorted(wanted - found.keys()):
            SentimentAggregate.objects.using(self.using).bulk_create(
                [
                    SentimentAggregate(
                        message_model=self.messages.label, backend=self.backend, **one._asdict()
                    )
                    for one in missing
                ],
                ignore_conflicts=True,
            )
            found |= self._sums(set(missing))
        return found

    def _sums(self, groups: AbstractSet[Group]) -> dict[Group, SentimentAggregate]:
        every = SentimentAggregate.objects.using(self.using)
        keys: list[int] = []
        # These and no others: all days by all agents would be a hundred times as many, and locked.
        conditions = list(self._conditions(groups))
        for begin in range(0, len(conditions), _CONDITIONS):
            # Not one by one with "|", which compares each with all before it.
            some = models.Q(*conditions[begin : begin + _CONDITIONS], _connector=models.Q.OR)
            keys += every.filter(some).order_by().values_list("pk", flat=True)
        # By their keys, all in one statement and order, which two runs have to share.
        rows = every.filter(pk__in=keys).select_for_update().order_by("pk")
        return {Group(one.day, one.tenant, one.agent): one for one in rows}

    def _conditions(self, groups: Iterable[Group]) -> Iterator[models.Q]:
        """Yield what finds groups and no others, those of a day and a tenant together."""
        agents: dict[tuple[date, str], list[str]] = {}
        for one in sorted(groups):
            agents.setdefault((one.day, one.tenant), []).append(one.agent)
        for (day, tenant), names in agents.items():
            # The whole key in each of them: else SQLite reads all sums of the model for each.
            yield models.Q(
                *(("message_model", self.messages.label), ("backend", self.backend)),
                *(("day", day), ("tenant", tenant), ("agent__in", names)),
            )

    def _forget(self, gone: Mapping[str, Stored], sums: Mapping[Group, SentimentAggregate]) -> None:
        for old in gone.values():
            _count(sums[old.group], old.label, old.score, -1)
        if gone:
            SentimentScore.objects.using(self.using).filter(
                message_model=self.messages.label, backend=self.backend, message_key__in=gone
            ).delete()

    def _row(self, one: Scored, now: datetime) -> SentimentScore:
        return SentimentScore(
            message_model=self.messages.label,
            message_key=str(one.message.pk),
            backend=self.backend,
            version=self.version,
            label=one.sentiment.label,
            score=one.sentiment.score,
            language=one.sentiment.language,
            text_digest=one.text_digest,
            analysed_at=now,
            **one.group._asdict(),
        )

    def _upsert(self, rows: Sequence[Any], key: list[str], values: list[str]) -> None:
        if not rows:
            return
        features = connections[self.using].features
        type(rows[0])._base_manager.using(self.using).bulk_create(
            rows,
            update_conflicts=True,
            update_fields=values,
            unique_fields=key if features.supports_update_conflicts_with_target else None,
        )

    def _copy(self, batch: Sequence[Scored]) -> None:
        """Write the site's own fields; its save() and its signals hear nothing of it."""
        names = self.messages.copied_fields
        if not (names and batch and self.has_copies):
            return
        model = self.messages.model
        rows = [
            model(pk=one.message.pk, **dict(zip(names, self._copies(one.sentiment), strict=True)))
            for one in batch
        ]
        model._base_manager.using(self.using).bulk_update(rows, names, batch_size=500)

    def _copies(self, sentiment: Sentiment) -> tuple[Any, ...]:
        """Return what the site's own fields get, in the order of ``copied_fields``."""
        fields = self.messages.conf.fields
        label = (sentiment.label,) if fields.label else ()
        return (*label, self._own_score(sentiment)) if fields.score else label

    def _own_score(self, sentiment: Sentiment) -> Any:
        field: models.Field[Any, Any] = self.messages.model._meta.get_field(  # type: ignore[assignment]
            self.messages.conf.fields.score
        )
        if sentiment.label == UNKNOWN and field.null:
            return None
        return field.to_python(str(sentiment.score))


def _is_same(copy: Any, meant: Any) -> bool:
    """Compare a field with what it should hold; a decimal may have been rounded to its places."""
    if isinstance(copy, Decimal) and isinstance(meant, Decimal):
        exponent = copy.as_tuple().exponent
        return isinstance(exponent, int) and abs(copy - meant) < Decimal(1).scaleb(exponent)
    return bool(copy == meant)


def _count(row: SentimentAggregate, label: str, score: float, by: int) -> None:
    setattr(row, label, getattr(row, label) + by)
    if label != UNKNOWN:
        row.score_sum += by * round(score * _UNITS)


def fitting(name: str) -> str:
    """Return a name that its column has room for; different names stay different."""
    name = name.replace("\0", "")
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return f"{name[: _LONGEST_NAME - 17]}:{digest}"
