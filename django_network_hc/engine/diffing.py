"""Two reports side by side: what is new, what is gone, what both have."""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from django_network_hc.engine.masking import masked
from django_network_hc.engine.rows import Finding, Key

__all__ = ["GROUPS", "Diff", "diff"]

#: By what differences are counted.
GROUPS = ("node", "test", "priority", "release")


@dataclass
class Diff:
    """
    The findings of two reports, one for each key, in the order of their report.

    Attributes:
        same: those that both have, as the later one has them.
    """

    new: list[Finding] = field(default_factory=list)
    gone: list[Finding] = field(default_factory=list)
    same: list[Finding] = field(default_factory=list)

    def counts(self, group: str) -> list[tuple[str, int, int, int]]:
        """Return for each value how many are new, gone and the same, what changed most first."""
        new, gone, same = (
            Counter(str(getattr(one, group)) for one in those)
            for those in (self.new, self.gone, self.same)
        )
        values = {*new, *gone, *same}
        rows = [(value, new[value], gone[value], same[value]) for value in values]
        return sorted(rows, key=lambda row: (-row[1] - row[2], row[0]))


def diff(
    earlier: Iterable[Finding], later: Iterable[Finding], *, masked_tests: Container[str] = ()
) -> Diff:
    """Compare two reports; findings of masked tests are the same whatever their numbers are."""
    before, after = _by_key(earlier, masked_tests), _by_key(later, masked_tests)
    return Diff(
        new=[one for key, one in after.items() if key not in before],
        gone=[one for key, one in before.items() if key not in after],
        same=[one for key, one in after.items() if key in before],
    )


def _by_key(findings: Iterable[Finding], tests: Container[str]) -> dict[Key, Finding]:
    found: dict[Key, Finding] = {}
    for one in findings:
        found.setdefault(masked(one.key, tests), one)
    return found
