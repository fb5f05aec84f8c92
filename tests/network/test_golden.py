"""Three months of a network come out as they were counted by hand."""

import pytest

from django_network_hc.engine.outcome import Outcome
from tests.network.samples import EXPECTED, beginning, outcome


@pytest.fixture(scope="module")
def months() -> list[Outcome]:
    found: list[Outcome] = []
    for month in range(len(EXPECTED)):
        found.append(outcome(found[-1].after if found else beginning(), month))
    return found


@pytest.mark.parametrize("month", range(len(EXPECTED)))
class TestMonth:
    def test_counts(self, months, month):
        assert months[month].counts() == EXPECTED[month]["counts"]

    def test_coverage(self, months, month):
        assert months[month].coverage_counts() == EXPECTED[month]["coverage"]

    def test_stock(self, months, month):
        assert months[month].stock == EXPECTED[month]["inventory"]

    def test_cases(self, months, month):
        found = months[month].comparison
        lists = {
            "new": [one.key for one in found.new],
            "reopened": found.reopened,
            "closed": [*found.closed, *found.unverified],
            "closed_unverified": found.unverified,
            "open_after": found.open_after,
            "ignored_selective": [one.finding.key for one in months[month].sorted.by_selection],
        }
        for name, keys in lists.items():
            wanted = sorted(tuple(one) for one in EXPECTED[month][name])
            assert sorted(keys) == wanted, name

    def test_same_report_again_changes_nothing(self, months, month):
        once = months[month]

        again = outcome(once.after, month)

        assert (again.comparison.new, again.comparison.closed) == ([], [])
        assert again.comparison.unverified == again.comparison.reopened == []
        assert sorted(again.after.open_cases) == sorted(once.after.open_cases)
        assert again.after.case_count == once.after.case_count
        assert again.coverage.cells == once.coverage.cells
        assert list(again.after.nodes.values()) == list(once.after.nodes.values())


def test_order_is_the_same_with_each_run(months):
    again = outcome(beginning(), 0)

    assert [one.key for one in again.comparison.new] == [
        one.key for one in months[0].comparison.new
    ]
    assert list(again.stock) == list(months[0].stock) == sorted(again.stock)
    assert list(again.coverage.nodes) == list(months[0].coverage.nodes)
