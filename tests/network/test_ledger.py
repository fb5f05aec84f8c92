"""Cases are carried from one report to the next, with whatever engineers wrote into them."""

from datetime import date

import pytest

from django_network_hc.engine.comparing import Options
from django_network_hc.engine.coverage import Node
from django_network_hc.engine.ignoring import IgnoreRules
from django_network_hc.engine.ledger import CLOSED, OPEN, UNKNOWN_NE_TYPE, advanced
from django_network_hc.engine.outcome import Outcome, Standing, judge
from django_network_hc.engine.rows import Case, Engineering, Finding, NodeLine
from tests.network.test_comparing import FEB, finding

LINE = NodeLine(1, "L", "S", FEB, "", "", "1830PSS8-WDM")


def case(of: Finding, *, status: str = OPEN) -> Case:
    own = Engineering("Ext", "Fibre", "card", "SN1", "waiting")
    return Case(of.key, FEB, "", "", "", "", "N", "", status, own, 0)


def judged(cases: list[Case], findings: list[Finding], *lines: NodeLine, **options) -> Outcome:
    still = [one.key for one in cases if one.status != CLOSED]
    return judge(
        Standing(open_cases=still, case_count=len(cases)),
        day=FEB,
        findings=findings,
        lines=lines or (LINE,),
        inventory=(),
        rules=IgnoreRules(),
        options=Options(**options),
    )


@pytest.mark.parametrize("status", ["OPEN", "Open", "In progress", "open "])
def test_case_keeps_the_status_that_people_gave_it_and_is_no_second_one(status):
    before = [case(finding(), status=status)]

    after = advanced(before, judged(before, [finding()]), network="N").cases

    assert after == before


def test_case_that_is_over_is_closed_and_keeps_what_was_written():
    before = [case(finding(), status="In progress")]

    [after] = advanced(before, judged(before, []), network="N").cases

    assert after == before[0]._replace(status=CLOSED)


def test_closed_case_stays_as_it_is_when_it_comes_back_as_a_new_one():
    before = [case(finding(), status=CLOSED)]

    old, new = advanced(before, judged(before, [finding()]), network="N").cases

    assert old == before[0]
    assert (new.key, new.status) == (old.key, OPEN)
    assert new.engineering == Engineering("Int", "TBD")


def test_case_takes_the_new_numbers_of_its_finding():
    before = [case(finding(text="4 days"))]
    outcome = judged(before, [finding(text="5 days")], masked_tests=frozenset({"2.5.8"}))

    [after] = advanced(before, outcome, network="N").cases

    assert after == before[0]._replace(key=finding(text="5 days").key)


def test_new_case_has_the_day_and_the_type_of_its_node():
    findings = [finding(1), finding(2, tested_on=None)]

    begun = advanced([], judged([], findings), network="N").begun
    first, second = sorted(begun, key=lambda one: one.key)

    # One without a day has that of the report, and a node that no summary names no type.
    assert (first.found_on, first.ne_type) == (FEB, "1830PSS8-WDM")
    assert (second.found_on, second.ne_type) == (FEB, UNKNOWN_NE_TYPE)
    assert first.network == "N"


def test_what_a_report_comes_to_is_what_the_next_one_begins_with():
    gone, stays = finding(text="gone"), finding(text="stays")
    before = [case(gone), case(stays)]
    outcome = judged(before, [stays, finding(text="new")])

    after = outcome.after

    assert list(after.open_cases) == [stays.key, finding(text="new").key]
    assert after.closed_cases == {gone.key}
    assert after.case_count == 3
    assert after.nodes == {1: Node(1, "WDM", "L", "S", "1830PSS8-WDM")}
    assert outcome.day == date(2025, 2, 6)
