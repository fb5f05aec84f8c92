"""A run: one page of messages after the other, of each those that have no score yet."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django_system_ops.conf import get_conf
from django_system_ops.engine.sentiment.results import LABELS, UNKNOWN, Backend, Sentiment
from django_system_ops.services.sentiment.backends import scores
from django_system_ops.services.sentiment.lexicons import detector
from django_system_ops.services.sentiment.messages import Message, Messages
from django_system_ops.services.sentiment.writing import Group, Scored, Store, Stored, fitting

__all__ = ["Report", "Wishes", "analyse_messages"]


@dataclass(frozen=True)
class Wishes:
    """
    How a run is wanted.

    Attributes:
        language: that all messages are taken to be in; empty to find it out for each.
        reanalyse: whether what has a score gets a new one.
        check: called between batches; raises when the run has to stop.
        has_copies: whether the site's own fields show what this backend says; a trial leaves them.
        advance: told how many messages were looked at.
    """

    now: datetime
    backend: Backend
    batch_size: int
    using: str
    language: str = ""
    reanalyse: bool = False
    dry_run: bool = False
    has_copies: bool = True
    check: Callable[[], None] = lambda: None
    advance: Callable[[int], None] = lambda _count: None


@dataclass
class Report:
    """What a run did: counts of messages, and the sum of the scores that are known."""

    looked_at: int = 0
    skipped: int = 0
    undated: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    score_sum: float = 0.0

    @property
    def scored(self) -> int:
        """Return how many messages got a score, be it that nothing can be said."""
        return self.labels.total()

    @property
    def mean_score(self) -> float | None:
        """Return the mean of the scores that are known; None where there is none."""
        known = self.scored - self.labels[UNKNOWN]
        return round(self.score_sum / known, 4) if known else None

    def counters(self) -> dict[str, int]:
        """Return the counts for the history."""
        labels = {label: self.labels[label] for label in LABELS}
        return {
            "messages": self.looked_at,
            "scored": self.scored,
            "skipped": self.skipped,
            "undated": self.undated,
            **labels,
        }


def analyse_messages(messages: Messages, wishes: Wishes) -> Report:
    """
    Score messages, and keep the sums of each day, agent and tenant.

    What has a score of this version of the backend is left alone, unless its text or place has
    changed since, or the site's own fields hold another score. One that has no date any more loses
    its score. Each batch is a transaction, so that a run that ends early has lost nothing.

    Raises:
        SystemOpsError: the backend failed.
    """
    report = Report()
    backend = wishes.backend
    store = Store(messages, backend.name, backend.version, wishes.using, wishes.has_copies)
    for page in _pages(messages, wishes):
        _batch(page, store, wishes, report)
        report.looked_at += len(page)
        wishes.advance(len(page))
    return report


def _pages(messages: Messages, wishes: Wishes) -> Iterator[list[Message]]:
    # What comes in meanwhile is for the next run, or this one might never end.
    until, after = messages.last_key(), None
    while until is not None:
        wishes.check()
        page = messages.page(after, until, wishes.batch_size)
        if page:
            after = page[-1].pk
            yield [one for one in page if messages.is_meant(one)]
        if len(page) < wishes.batch_size:
            return


def _batch(page: Sequence[Message], store: Store, wishes: Wishes, report: Report) -> None:
    dated = [(one, _group(one)) for one in page]
    report.undated += sum(group is None for _, group in dated)
    before = store.stored(one.pk for one in page) if page else {}
    gone = {str(one.pk) for one, group in dated if group is None} & before.keys()
    found: list[tuple[Message, Group, str]] = []
    for message, group in dated:
        if group is None:
            continue
        digest = hashlib.blake2b(
            message.text.encode(errors="surrogatepass"), digest_size=16
        ).hexdigest()
        old = before.get(str(message.pk))
        if not wishes.reanalyse and _is_current(old, store, message, digest, group):
            report.skipped += 1
        else:
            found.append((message, group, digest))
    if not found and not gone:
        return
    sentiments = _sentiments([message.text for message, _, _ in found], wishes)
    batch = [
        Scored(message, group, digest, sentiment)
        for (message, group, digest), sentiment in zip(found, sentiments, strict=True)
    ]
    if not wishes.dry_run:
        wishes.check()
        keys = {str(one.message.pk) for one in batch} | gone
        known = {key: one for key, one in before.items() if key in keys}
        store.write(batch, known, wishes.now, gone)
    for sentiment in sentiments:
        report.labels[sentiment.label] += 1
        report.languages[sentiment.language or UNKNOWN] += 1
        report.score_sum += sentiment.score


def _is_current(
    old: Stored | None, store: Store, message: Message, digest: str, group: Group
) -> bool:
    return (
        old is not None
        and (old.version, old.text_digest, old.group) == (store.version, digest, group)
        and store.is_copied(message, old)
    )


def _sentiments(texts: Sequence[str], wishes: Wishes) -> list[Sentiment]:
    if wishes.language:
        return scores(wishes.backend, texts, [wishes.language] * len(texts))
    conf = get_conf().sentiment
    among = tuple(conf.languages)
    known = detector(among, conf.extra_words)
    return scores(wishes.backend, texts, [known.language(text, among) for text in texts])


def _group(message: Message) -> Group | None:
    if message.day is None:
        return None
    return Group(message.day, fitting(message.tenant), fitting(message.agent))
