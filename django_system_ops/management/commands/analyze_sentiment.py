"""Say what messages feel like."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from django_opskit.arguments import days as number_of_days
from django_opskit.commands import UsageError
from django_system_ops.conf import get_conf
from django_system_ops.engine.sentiment.results import LABELS
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services.sentiment.backends import get_backend
from django_system_ops.services.sentiment.messages import messages
from django_system_ops.services.sentiment.running import Report, Wishes, analyse_messages
from django_system_ops.services.sentiment.totals import totals
from django_system_ops.services.tenants import resolve_tenants

__all__ = ["Command"]

_MOST_AGENTS = 10


class Command(SystemOpsCommand):
    """``analyze_sentiment``: see its help."""

    help = (
        "Score the messages that MANAGEMENT_COMMANDS['sentiment'] names as positive, negative, "
        "neutral or unknown, and sum up each day, agent and tenant. What has a score is skipped."
    )
    changes_data = takes_lock = has_tenant = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--days", type=number_of_days, help="Messages of so many days; by default all."
        )
        parser.add_argument(
            "--agent",
            action="append",
            metavar="NAME",
            help="Messages to this agent alone; may be given several times.",
        )
        parser.add_argument(
            "--backend",
            metavar="NAME",
            help="What scores: lexicon, transformers, or the dotted path of a class.",
        )
        parser.add_argument(
            "--language",
            metavar="CODE",
            help="Take all messages to be in this language; by default it is found out for each.",
        )
        parser.add_argument(
            "--reanalyze", action="store_true", help="Score again what has a score already."
        )
        parser.add_argument(
            "--batch-size",
            type=int,
            metavar="ROWS",
            help="How many messages one transaction writes.",
        )

    def perform(
        self,
        *,
        days: float | None = None,
        agent: list[str] | str | None = None,
        tenant: str | None = None,
        backend: str | None = None,
        language: str | None = None,
        reanalyze: bool = False,
        batch_size: int | None = None,
        database: str = "default",
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Score them."""
        conf, now = get_conf().sentiment, timezone.now()
        if batch_size is not None and not 1 <= batch_size <= 10_000:
            raise UsageError(f"--batch-size must be 1 to 10000, got {batch_size}.")
        agents = [agent] if isinstance(agent, str) else agent or []
        name, language = backend or conf.backend, language or ""
        _refuse(name, language, conf.languages)
        tenants = resolve_tenants(tenant, using=database)
        chosen = messages(using=database).of(tenants).to_agents(agents)
        since = None
        if days is not None:
            since = now - timedelta(days=days)
            chosen = chosen.since(since)
        scorer = get_backend(name, conf.languages)
        with self.progress("Reading messages", None) as advance:
            report = analyse_messages(
                chosen,
                Wishes(
                    now=now,
                    backend=scorer,
                    batch_size=batch_size or conf.batch_size,
                    using=database,
                    language=language,
                    reanalyse=reanalyze,
                    dry_run=dry_run,
                    has_copies=name == conf.backend,
                    check=self.check_lock,
                    advance=advance,
                ),
            )
        self.counters = report.counters()
        sums = (
            {}
            if dry_run
            else totals(
                chosen,
                scorer.name,
                using=database,
                since=None if since is None else timezone.localdate(since),
                tenants=tenants.names,
                agents=agents,
            )
        )
        document = {
            "dry_run": dry_run,
            "backend": scorer.name,
            "version": scorer.version,
            **report.counters(),
            "mean_score": report.mean_score,
            "languages": dict(report.languages.most_common()),
            "totals": sums,
        }
        self.result(document, *_lines(report, sums, dry_run=dry_run))


def _refuse(backend: str, language: str, languages: Sequence[str]) -> None:
    # The lexicon of another language would be another version: everything would be scored again,
    # and once more by the next run without it.
    if language and backend == "lexicon" and language not in languages:
        known = ", ".join(languages)
        raise UsageError(
            f"--language {language!r}: MANAGEMENT_COMMANDS['sentiment']['languages'] names "
            f"{known}; add it there."
        )
    if len(language) > 10:
        raise UsageError(f"--language {language!r}: write a code, such as es.")


def _lines(report: Report, sums: dict[str, Any], *, dry_run: bool) -> list[str]:
    verb = "would be scored" if dry_run else "scored"
    lines = [
        f"{report.looked_at:,} messages: {report.scored:,} {verb}, "
        f"{report.skipped:,} had a score already"
    ]
    if report.undated:
        lines.append(f"{report.undated:,} have no date and were left out")
    if report.scored:
        shares = (
            f"{label} {report.labels[label]:,} ({report.labels[label] / report.scored:.0%})"
            for label in LABELS
        )
        lines.append(", ".join(shares))
        found = ", ".join(f"{code} {count:,}" for code, count in report.languages.most_common())
        lines.append(f"languages: {found}")
    agents = [one for one in sums.get("agents", []) if one["agent"]]
    has_tenants = len({one["tenant"] for one in agents}) > 1
    for one in agents[:_MOST_AGENTS]:
        name = f"{one['agent']} ({one['tenant']})" if has_tenants else one["agent"]
        lines.append(f"  {name}: {_line(one)}")
    if len(agents) > _MOST_AGENTS:
        lines.append(f"  and {len(agents) - _MOST_AGENTS:,} more agents: see --json")
    return lines


def _line(one: dict[str, Any]) -> str:
    counts = ", ".join(f"{label} {one[label]:,}" for label in LABELS)
    mean = one["mean_score"]
    return counts if mean is None else f"{counts}; mean {mean:+.2f}"
