"""Care for a database."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import FindingsError
from django_system_ops.conf import get_conf
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services.optimizing import Done, Finding, Note, Wishes, optimize

__all__ = ["Command"]

_WISHES = ("analyze", "reindex", "vacuum", "slow_queries", "orphans", "terminate")


class Command(SystemOpsCommand):
    """``optimize_database``: see its help."""

    help = (
        "Renew the statistics of the site's tables, and say what is worth a look, with evidence "
        "and the SQL that one could run. With options: do these things alone. Nothing is ever "
        "dropped. Exit status 3: something that was asked for did not work."
    )
    changes_data = True
    takes_lock = True
    has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        for name, text in (
            ("--analyze", "Renew the statistics of each table."),
            ("--reindex", "Make each index anew, one after the other, while others write."),
            ("--vacuum", "Make the room of dead rows free for new ones."),
            ("--slow-queries", "List the queries that took most of the time."),
            ("--orphans", "List transactions in which nothing happens."),
            ("--terminate", "End the sessions that --orphans lists as idle in a transaction."),
        ):
            parser.add_argument(name, action="store_true", help=text)
        parser.add_argument(
            "--table",
            action="append",
            default=[],
            metavar="NAME",
            help="This table or model alone; may be given several times.",
        )
        parser.add_argument(
            "--lock-timeout",
            type=float,
            metavar="SECONDS",
            help="How long each statement may wait for a lock; by default as the settings say.",
        )

    def perform(self, **options: Any) -> None:
        """Do it, say each thing as it is done, and end with the document."""
        found: list[Done | Finding | Note] = []
        running = optimize(
            self._wishes(options),
            using=options["database"],
            dry_run=options["dry_run"],
            between=self.check_lock,
        )
        for one in running:
            found.append(one)
            for line in _lines(one):
                self.say(line)
        done = [one for one in found if isinstance(one, Done)]
        findings = [one for one in found if isinstance(one, Finding)]
        failed = sum(bool(one.error) for one in done)
        self.counters = {"done": len(done) - failed, "failed": failed, "findings": len(findings)}
        if options["dry_run"]:
            self.counters["done"] = 0
        self.result(
            {
                "done": [
                    {**asdict(one.step), "seconds": one.seconds, "error": one.error} for one in done
                ],
                "findings": [asdict(one) for one in findings],
                "notes": [one.text for one in found if isinstance(one, Note)],
                "failed": failed,
                "dry_run": options["dry_run"],
            }
        )
        if failed:
            raise FindingsError(f"{failed} of {len(done)} steps did not work.")

    def _wishes(self, options: dict[str, Any]) -> Wishes:
        conf = get_conf().optimize
        timeout = options["lock_timeout"]
        if timeout is not None and not 0 < timeout <= 3600:
            raise WrongUsageError(f"--lock-timeout {timeout:g}: it has to be from 0 to 3600.")
        if options["terminate"] and not options["orphans"]:
            raise WrongUsageError("--terminate goes with --orphans, which says whom it would end.")
        return Wishes(
            **{name: bool(options[name]) for name in _WISHES},
            tables=tuple(options["table"] or ()),
            lock_timeout_seconds=timeout or conf.lock_timeout_seconds,
            idle_minutes=conf.idle_minutes,
            most_queries=conf.slow_queries,
            dead_rows_percent=conf.dead_rows_percent,
            used_up_percent=conf.used_up_percent,
            free_factor=conf.vacuum_free_factor,
        )


def _lines(one: Done | Finding | Note) -> Iterator[str]:
    """Yield what one thing is to people."""
    if isinstance(one, Note):
        yield f"note: {one.text}"
    elif isinstance(one, Finding):
        place = f"{one.table}: " if one.table and one.table != one.object else ""
        yield f"{one.kind}: {place}{one.object}: {one.evidence}"
        if one.sql:
            yield f"  SQL: {one.sql}"
    elif one.seconds is None:
        yield f"would run: {one.step.sql}"
    elif one.error:
        yield f"not done: {one.step.sql}: {one.error}"
    else:
        yield f"done: {one.step.sql} ({one.seconds:.2f} s)"
