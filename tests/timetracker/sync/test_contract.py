"""What a source may send."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from tests.timetracker.sync.servers import task, tombstone
from timetracker.sync.contract import TokenAnswer, read_records


def read(*records):
    return read_records(list(records), owner=1, page=3)


def reason_for(record):
    (rejection,) = read(record).rejections
    return rejection.reason


def test_a_complete_record_is_read():
    (delivery,) = read(task("T-1", updated_at="2026-03-01T14:00:00.25+02:00")).deliveries

    moment = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    assert (delivery.external_id, delivery.updated_at) == ("T-1", moment)
    assert delivery.state.display_name == "Task T-1"
    assert delivery.state.owner == 1


def test_what_may_be_left_out_has_a_meaning():
    (delivery,) = read(
        {"id": "T-1", "name": "Wiring", "updated_at": "2026-03-01T12:00:00Z"}
    ).deliveries

    assert (delivery.state.project_phase, delivery.state.is_active) == ("", True)


def test_unknown_keys_are_ignored():
    assert read(task("T-1", priority=7, owner={"name": "?"})).rejections == ()


def test_a_tombstone_needs_no_name():
    (delivery,) = read(tombstone("T-1")).deliveries

    assert delivery.state is None


def test_line_breaks_and_double_spaces_in_texts_become_single_spaces():
    (delivery,) = read(task("T-1", name=" a\u00a0 b\nc ", department="x\ty")).deliveries

    assert (delivery.state.display_name, delivery.state.department) == ("a b c", "x y")


def test_emoji_of_several_parts_are_kept():
    (delivery,) = read(task("T-1", name="crew 👩\u200d🔧")).deliveries

    assert delivery.state.display_name == "crew 👩\u200d🔧"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"name": None}, "name: should be a valid string"),
        ({"name": "  "}, "name: String should have at least 1 character"),
        ({"name": "x" * 256}, "name: String should have at most 255 characters"),
        ({"name": "a\x00b"}, "name: must not hold control characters"),
        ({"discipline": "x" * 101}, "discipline: String should have at most 100 characters"),
        ({"department": 7}, "department: should be a valid string"),
        ({"is_active": "yes"}, "is_active: should be a valid boolean"),
        ({"is_active": 1}, "is_active: should be a valid boolean"),
        ({"deleted": "true"}, "deleted: should be a valid boolean"),
        ({"updated_at": 1_700_000_000}, "updated_at: must be a moment like"),
        ({"updated_at": "1700000000"}, "updated_at: must be a moment like"),
        ({"updated_at": "2026-03-01"}, "updated_at: must be a moment like"),
        ({"updated_at": "2026-03-01T12:00:00"}, "updated_at: must be a moment like"),
        ({"updated_at": "2026-02-30T12:00:00Z"}, "updated_at: should be a valid datetime"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at: should be greater than"),
        ({"updated_at": "9999-12-31T23:59:59-14:00"}, "updated_at: should be less than"),
    ],
)
def test_a_wrong_value_is_rejected_with_the_key_and_the_reason(keys, reason):
    assert reason_for(task("T-1", **keys)).startswith(reason)


def test_half_of_a_surrogate_pair_is_rejected_and_not_the_page():
    records = read(task("T-1", name="cut \ud83d"), task("T-2"))

    assert [one.record for one in records.rejections] == ["task 'T-1'"]
    assert [one.external_id for one in records.deliveries] == ["T-2"]


def test_a_rejected_record_is_known_by_its_id():
    records = read(task("T-1", name=""))

    assert records.rejected_ids == {"T-1"}
    assert records.all_named


@pytest.mark.parametrize(
    "record",
    [
        "T-1",
        None,
        ["T-1"],
        {},
        task("T-1", id=7),
        task(""),
        task(" T-1"),
        task("T\n1"),
        task("T" * 65),
        task("\ud800"),
        {"deleted": True, "updated_at": "2026-03-01T12:00:00Z"},
    ],
)
def test_a_record_without_a_usable_id_is_known_by_its_place(record):
    records = read(task("T-0"), record)

    assert [one.record for one in records.rejections] == ["record 2 of page 3"]
    assert not records.all_named


def test_a_reason_never_repeats_the_value():
    assert "s3cret" not in reason_for(task("T-1", is_active="s3cret"))


@pytest.mark.parametrize("expires_in", [3600, "3600", 0.5, None])
def test_a_token_may_say_how_long_it_lives_as_servers_do(expires_in):
    answer = {"access_token": "abc", "token_type": "bearer", "expires_in": expires_in}

    assert TokenAnswer.model_validate(answer).expires_in in {3600, 0.5, None}


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": "abc"},
        {"access_token": "abc", "token_type": "mac"},
        {"access_token": "", "token_type": "Bearer"},
        {"access_token": "a\r\nX-Evil: 1", "token_type": "Bearer"},
        {"access_token": "abc", "token_type": "Bearer", "expires_in": 0},
        {"access_token": "abc", "token_type": "Bearer", "expires_in": "inf"},
    ],
)
def test_an_unusable_token_is_refused(answer):
    with pytest.raises(ValidationError):
        TokenAnswer.model_validate(answer)


def test_a_token_is_not_shown():
    assert "s3cret" not in repr(TokenAnswer(access_token="s3cret", token_type="Bearer"))
