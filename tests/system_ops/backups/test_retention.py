"""Which backups may go: the rule alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from django_system_ops.engine.retention import Kept, expired

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
DATABASE = frozenset({"database default"})


def backup(days, *, verified=False, parts=DATABASE, needs=()):
    return Kept(f"{days} days", NOON - timedelta(days=days), parts, verified, frozenset(needs))


def gone(*backups, days=30, newest=None):
    return expired(backups, now=NOON, days=days, newest=newest)


def test_older_than_the_days_go_and_the_others_stay():
    assert gone(backup(0), backup(30), backup(31), backup(400)) == ("400 days", "31 days")


def test_newest_stays_however_old():
    assert gone(backup(100), backup(200)) == ("200 days",)


def test_last_verified_stays_however_old():
    found = gone(backup(1), backup(50), backup(60, verified=True), backup(70, verified=True))

    assert found == ("70 days", "50 days")


def test_bad_one_stands_for_no_other():
    bad = replace(backup(1), is_bad=True)

    assert gone(bad, backup(2), backup(3), newest=1) == ("3 days", "1 days")
    assert gone(bad, replace(backup(2), is_bad=True), newest=1) == ("2 days",)


def test_newest_of_each_part_stays():
    media, both = frozenset({"media"}), frozenset({"media", "database default"})

    assert gone(backup(1, parts=media), backup(90), backup(100, parts=both)) == ("100 days",)


def test_what_another_one_needs_stays():
    assert gone(backup(1, needs=["40 days"]), backup(40, needs=["50 days"]), backup(50)) == ()


def test_newest_few_stay_whatever_their_age():
    found = gone(backup(0), backup(1), backup(2), backup(90), backup(91, verified=True), newest=2)

    assert found == ("90 days", "2 days")


@given(
    st.lists(
        st.builds(
            backup,
            st.integers(0, 100),
            verified=st.booleans(),
            parts=st.frozensets(st.sampled_from(["database a", "media", "config"]), min_size=1),
        ),
        unique_by=lambda one: one.id,
    ),
    st.integers(1, 100),
    st.none() | st.integers(1, 5),
)
def test_each_part_keeps_its_newest_and_its_newest_verified(backups, days, newest):
    going = set(gone(*backups, days=days, newest=newest))

    for part in {part for one in backups for part in one.parts}:
        having = sorted((one for one in backups if part in one.parts), key=lambda o: o.created_at)
        verified = [one for one in having if one.is_verified]
        assert having[-1].id not in going
        assert not verified or verified[-1].id not in going
