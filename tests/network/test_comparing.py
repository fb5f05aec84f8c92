"""A case is in one state, and what a report does not say closes nothing for sure."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_network_hc.engine.comparing import Comparison, Options, compare, unreliable_nodes
from django_network_hc.engine.ignoring import IgnoreRules, sort
from django_network_hc.engine.masking import masked
from django_network_hc.engine.rows import Finding, Key

FEB = date(2025, 2, 6)


def finding(
    node: int = 1,
    text: str = "x",
    *,
    test: str = "2.5.8",
    priority: str = "WARNING",
    issue: str = "Time source",
    tested_on: date | None = FEB,
) -> Finding:
    return Finding(
        node, "", "", "", "WDM", tested_on, "", test, "1", priority, issue, text, "", "", 2
    )


def compared(
    findings: list[Finding],
    *,
    open_cases: tuple[Key, ...] = (),
    closed_cases: tuple[Key, ...] = (),
    rules: IgnoreRules | None = None,
    unreliable: frozenset[int] = frozenset(),
    **options: object,
) -> Comparison:
    return compare(
        findings,
        sort(findings, rules or IgnoreRules()).active,
        open_cases=open_cases,
        closed_cases=set(closed_cases),
        unreliable=unreliable,
        options=Options(**options),  # type: ignore[arg-type]
    )


class TestCases:
    def test_finding_of_two_lines_is_one_case(self):
        found = compared([finding(), finding()])

        assert [one.key for one in found.new] == [finding().key]
        assert found.occurrences == {finding().key: 2}

    def test_finding_that_is_ignored_later_stays_open_while_it_is_there(self):
        rules = IgnoreRules(tests=frozenset({"2.5.8"}))

        found = compared([finding()], open_cases=(finding().key,), rules=rules)

        assert list(found.still_open) == [finding().key]
        assert found.new == found.closed == []

    def test_ignored_finding_is_no_new_case(self):
        assert compared([finding()], rules=IgnoreRules(tests=frozenset({"2.5.8"}))).new == []

    def test_line_that_is_no_finding_is_no_case(self):
        assert compared([finding(priority="Info"), finding(priority="INFO")]).new == []

    def test_case_that_comes_back_knows_that_it_was_one(self):
        found = compared([finding()], closed_cases=(finding().key,))

        assert found.reopened == [finding().key] == [one.key for one in found.new]

    def test_new_cases_stand_in_the_order_of_their_days(self):
        late, early, never = (
            finding(1, tested_on=date(2025, 2, 7)),
            finding(2, tested_on=FEB),
            finding(3, tested_on=None),
        )

        assert [one.node for one in compared([late, early, never]).new] == [3, 2, 1]

    def test_case_that_a_tracker_has_twice_is_one(self):
        keys = (finding(text="4 days").key,) * 2
        new = [finding(text="5 days"), finding(text="6 days")]

        found = compared(new, open_cases=keys, masked_tests=frozenset({"2.5.8"}))

        assert (len(found.still_open), len(found.new)) == (1, 1)
        assert compared([], open_cases=keys).closed == [keys[0]]


class TestClosing:
    def test_case_whose_finding_is_gone_is_closed(self):
        assert compared([], open_cases=(finding().key,)).closed == [finding().key]

    def test_case_of_a_node_that_says_nothing_is_closed_unverified(self):
        found = compared([], open_cases=(finding().key,), unreliable=frozenset({1}))

        assert (found.closed, found.unverified) == ([], [finding().key])
        assert found.open_after == []

    def test_or_stays_open_when_that_is_wanted(self):
        found = compared(
            [], open_cases=(finding().key,), unreliable=frozenset({1}), holds_unverified=True
        )

        assert (found.unverified, found.held) == ([], [finding().key])
        assert found.open_after == [finding().key]

    @pytest.mark.parametrize(
        ("tested_on", "findings", "says_nothing"),
        [
            ({1: FEB}, [], False),
            ({1: date(2025, 2, 28)}, [], False),
            ({1: date(2025, 1, 31)}, [], True),
            ({1: date(2024, 2, 6)}, [], True),
            ({1: None}, [], True),
            ({}, [], True),
            ({1: FEB}, [finding(test="1.1.1")], True),
            ({1: FEB}, [finding(test="1.1.2")], True),
            ({1: FEB}, [finding(test="22.0.5")], True),
            ({1: FEB}, [finding(2, test="22.0.5")], False),
        ],
    )
    def test_node_says_nothing(self, tested_on, findings, says_nothing):
        found = unreliable_nodes({1}, findings, tested_on, month=FEB)

        assert (1 in found) is says_nothing


class TestMasking:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("uptime 533 days", "uptime 564 days"),
            ("alarms: CR-1, MJ-31", "alarms: CR-12, MJ-3"),
            ("last backup 2025-01-06 04:00", "last backup 2025-02-06 05:30"),
            ("filled to 69.5 percent", "filled to 7 percent"),
        ],
    )
    def test_numbers_are_no_matter_where_that_is_asked_for(self, before, after):
        old, new = finding(text=before), finding(text=after)

        found = compared([new], open_cases=(old.key,), masked_tests=frozenset({"2.5.8"}))

        assert found.still_open == {old.key: new}
        assert found.open_after == [new.key]
        assert (found.new, found.closed) == ([], [])

    def test_and_are_a_matter_otherwise(self):
        found = compared([finding(text="5 days")], open_cases=(finding(text="4 days").key,))

        assert (len(found.new), len(found.closed)) == (1, 1)

    def test_number_in_a_name_is_part_of_it(self):
        tests = {"2.5.8"}

        assert masked(finding(text="disk of ECA1").key, tests) != (
            masked(finding(text="disk of ECA2").key, tests)
        )

    def test_same_finding_goes_before_one_that_is_like_it(self):
        old = [finding(text="4 days"), finding(text="5 days")]
        new = [finding(text="5 days"), finding(text="6 days"), finding(text="7 days")]

        found = compared(
            new, open_cases=tuple(one.key for one in old), masked_tests=frozenset({"2.5.8"})
        )

        assert found.still_open == {old[1].key: new[0], old[0].key: new[1]}
        assert [one.text for one in found.new] == ["7 days"]

    def test_case_comes_back_with_other_numbers(self):
        found = compared(
            [finding(text="5 days")],
            closed_cases=(finding(text="4 days").key,),
            masked_tests=frozenset({"2.5.8"}),
        )

        assert found.reopened == [finding(text="5 days").key]


class TestIgnoring:
    def test_rule_that_took_a_finding_is_known(self):
        selection = (1, "2.5.8", "WARNING", "x")
        rules = IgnoreRules(tests=frozenset({"5.2.1"}), selections=frozenset({selection}))

        found = sort([finding(test="5.2.1"), finding(), finding(2)], rules)

        assert [one.rule for one in found.ignored] == ["5.2.1", selection]
        assert found.hits == {"5.2.1": 1, selection: 1}
        assert [one.node for one in found.active] == [2]

    def test_issue_is_no_part_of_a_selection(self):
        rules = IgnoreRules(selections=frozenset({(1, "2.5.8", "WARNING", "x")}))

        assert sort([finding(issue="Another")], rules).active == []


TEXTS = st.sampled_from(["a", "b", "5 days", "6 days", "7 days"])
FINDINGS = st.lists(
    st.builds(
        finding,
        st.integers(1, 3),
        TEXTS,
        test=st.sampled_from(["2.5.8", "5.2.1", "1.1.1"]),
        priority=st.sampled_from(["WARNING", "FAILURE", "INFO"]),
        tested_on=st.sampled_from([None, FEB, date(2025, 1, 6)]),
    ),
    max_size=12,
)
MASKS = st.sampled_from([frozenset[str](), frozenset({"2.5.8"}), frozenset({"2.5.8", "5.2.1"})])


@given(
    before=FINDINGS,
    findings=FINDINGS,
    closed=FINDINGS,
    ignored=st.sampled_from([frozenset[str](), frozenset({"5.2.1"})]),
    unreliable=st.frozensets(st.integers(1, 3)),
    mask=MASKS,
    holds=st.booleans(),
)
def test_each_case_is_in_one_state(before, findings, closed, ignored, unreliable, mask, holds):
    open_cases = tuple(dict.fromkeys(one.key for one in before))
    rules = IgnoreRules(tests=ignored)

    found = compared(
        findings,
        open_cases=open_cases,
        closed_cases=tuple({one.key for one in closed} - set(open_cases)),
        rules=rules,
        unreliable=unreliable,
        masked_tests=mask,
        holds_unverified=holds,
    )

    states = [*found.still_open, *found.closed, *found.unverified, *found.held]
    assert sorted(states) == sorted(open_cases)
    after = found.open_after
    assert len(after) == len(set(after))
    raw = {one.key for one in findings}
    active = {one.key for one in sort(findings, rules).active}
    assert set(found.reopened) <= {one.key for one in found.new} <= active
    if not mask and not holds:
        assert set(after) == (set(open_cases) & raw) | (active - set(open_cases))
    assert all(key[0] in unreliable for key in (*found.unverified, *found.held))
    assert not any(key[0] in unreliable for key in found.closed)
