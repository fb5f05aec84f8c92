"""Two reports side by side."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from django_network_hc.conf import get_conf
from django_network_hc.engine.diffing import GROUPS, diff
from django_network_hc.engine.rows import Finding
from django_network_hc.management.base import NetworkCommand, table
from django_network_hc.readers import Report
from django_network_hc.services.reports import report_of, report_of_day
from django_opskit.commands import UsageError

__all__ = ["Command"]

_MOST_GROUPS = 15


class Command(NetworkCommand):
    """``hc_diff``: see its help."""

    help = (
        "Compare two reports: what is new, gone and the same, by node, test, priority or release. "
        "Each is a file, or with --network a day such as 2025-02-06 whose report it has had."
    )

    path_arguments = frozenset({"earlier", "later"})

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("earlier", metavar="EARLIER", help="A file, or a day.")
        parser.add_argument("later", metavar="LATER", help="A file, or a day.")
        self.add_network(parser)
        parser.add_argument(
            "--by", choices=GROUPS, default="test", help="How to count; by test by default."
        )

    def handle(
        self,
        *args: Any,
        earlier: str,
        later: str,
        network: str | None = None,
        by: str = "test",
        **options: Any,
    ) -> None:
        """Compare them."""
        with self.speaking():
            reports = [self._report(one, network) for one in (earlier, later)]
            found = diff(
                reports[0].findings,
                reports[1].findings,
                masked_tests=frozenset(get_conf().MASKED_TESTS),
            )
        rows = found.counts(by)
        self.counters = {name: len(getattr(found, name)) for name in ("new", "gone", "same")}
        names = [f"{one.name.network} {one.name.day}" for one in reports]
        detail = self.verbosity > 1
        self.result(
            {
                "earlier": names[0],
                "later": names[1],
                **self.counters,
                "by": by,
                "groups": [
                    dict(zip((by, "new", "gone", "same"), row, strict=True)) for row in rows
                ],
                "lists": {
                    name: [one.key for one in getattr(found, name)] for name in ("new", "gone")
                },
            },
            f"{names[0]} -> {names[1]}: {len(found.new)} new, {len(found.gone)} gone, "
            f"{len(found.same)} the same",
            *table((by, "new", "gone", "same"), rows if detail else rows[:_MOST_GROUPS]),
            *(_line("+", one) for one in found.new if detail),
            *(_line("-", one) for one in found.gone if detail),
        )

    def _report(self, text: str, network: str | None) -> Report:
        path = Path(text)
        if path.is_file() or path.suffix:
            return report_of(path)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise UsageError(f"{text!r} is neither a file nor a day such as 2025-02-06.") from None
        if network is None:
            raise UsageError(f"Say with --network whose report of {day} is meant.")
        return report_of_day(self.one_network(network), day)


def _line(sign: str, one: Finding) -> str:
    return f"{sign} {one.node} {one.test} {one.priority} {one.issue}: {one.text}"
