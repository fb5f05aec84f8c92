"""The network that the demo and the benchmark make up is one: month after month."""

from datetime import date

from optical import Month, SampleNetwork

from django_network_hc.engine.comparing import Options
from django_network_hc.engine.ignoring import IgnoreRules
from django_network_hc.engine.outcome import Outcome, Standing, judge
from django_network_hc.readers import read_inventory, read_report


def judged(month: Month, before: Standing) -> Outcome:
    report, inventory = read_report(month.report), read_inventory(month.inventory)
    assert report.notes == inventory.notes == []
    return judge(
        before,
        day=report.name.day,
        findings=report.findings,
        lines=report.nodes,
        inventory=inventory.items,
        rules=IgnoreRules(),
        options=Options(),
    )


def test_nodes_and_findings_come_and_go(tmp_path):
    months = SampleNetwork(nodes=20, findings=200, boards=3).write(
        tmp_path, months=3, begin=date(2025, 11, 6)
    )

    assert [one.day for one in months] == [
        *(date(2025, 11, 6), date(2025, 12, 6), date(2026, 1, 6)),
    ]
    standing = Standing()
    for number, month in enumerate(months):
        found = judged(month, standing)
        standing = found.after
        coverage, counts = found.coverage_counts(), found.counts()
        assert (coverage["stale"], coverage["never_tested"]) == (1, 1)
        assert coverage["not_run_properly"] == 1
        assert counts["open_after"] == counts["active_distinct"]
        # A node that was missing in the first month joins when it is named.
        assert coverage["total"] >= 19 + number
        if number:
            assert min(counts["new"], counts["closed"], counts["closed_unverified"]) > 0


def test_same_numbers_make_the_same_files(tmp_path):
    files = [
        SampleNetwork(nodes=5, findings=20).write(tmp_path / name, months=1)[0].inventory
        for name in ("a", "b")
    ]

    assert files[0].read_bytes() == files[1].read_bytes()
