"""Each option of cleanup_old_data."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_system_ops.models import CommandRun
from django_system_ops.services.cleanup.statements import LazyDelete
from tests.system_ops.cleanup.conftest import CHATS, EVENTS, ago, chats, clean, events, said
from tests.system_ops.shop.models import Chat, Event, Message, Tag, Tenant

pytestmark = pytest.mark.django_db(transaction=True)


def test_old_rows_go_with_what_hangs_on_them_and_new_ones_stay():
    chats(3, messages=2)
    kept = chats(2, days=1, messages=2)

    found = clean()

    assert found["status"] == 0
    assert found["types"]["chats"]["rows"] == {
        "shop.Chat": 3,
        "shop.Chat_tags": 3,
        "shop.Message": 6,
    }
    assert set(Chat.objects.all()) == set(kept)
    assert Message.objects.count() == 4
    assert Tag.objects.count() == 1


def test_days_goes_before_the_types_own_and_that_before_the_default(types, configure):
    types(chats={**CHATS, "days": 10}, events=EVENTS)
    chats(1, days=20)
    events(1, days=20)

    assert clean("--days=25")["types"]["chats"]["rows"] == {}
    found = clean()

    assert (found["types"]["chats"]["days"], found["types"]["events"]["days"]) == (10, 30)
    assert (Chat.objects.count(), Event.objects.count()) == (0, 1)
    configure(cleanup={"days": 15})
    assert clean()["types"]["events"]["rows"] == {"shop.Event": 1}


def test_days_of_zero_needs_yes():
    events(2, days=0.001)

    assert clean("--days=0")["status"] == 2
    assert Event.objects.count() == 2
    assert clean("--days=0", "--yes")["types"]["events"]["rows"] == {"shop.Event": 2}


def test_days_that_are_no_number_are_refused():
    with pytest.raises(CommandError, match="not a number of days"):
        call_command("cleanup_old_data", "--days=-1")


def test_row_that_is_exactly_at_the_cutoff_stays(types):
    from django_system_ops.services.cleanup.kinds import select_kinds
    from django_system_ops.services.cleanup.running import Wishes, clean_up
    from django_system_ops.services.tenants import Tenants

    noon = ago(0)
    Event.objects.create(name="at", created_at=noon - (noon - ago(30)))
    Event.objects.update(created_at=noon.replace(microsecond=0) - (noon - noon))
    at = Event.objects.get().created_at
    selection = select_kinds(["events"], days=1, tenants=Tenants())

    from datetime import timedelta

    clean_up(selection, Wishes(now=at + timedelta(days=1)))
    assert Event.objects.count() == 1

    clean_up(selection, Wishes(now=at + timedelta(days=1, seconds=1)))
    assert Event.objects.count() == 0


@pytest.mark.parametrize("args", [["--type=chats,events"], ["--type=chats", "--type=events"]])
def test_type_may_be_a_list_or_repeated(args):
    assert list(clean(*args)["types"]) == ["chats", "events"]


def test_type_leaves_the_others_alone():
    chats(1)
    events(1)

    clean("--type=chats")

    assert (Chat.objects.count(), Event.objects.count()) == (0, 1)


def test_type_that_nobody_knows_is_refused_with_the_list():
    found = clean("--type=chat")

    assert found["status"] == 2
    assert (
        "Did you mean chats? Known: chats, events, logs, temporary_files, analytics"
        in (found["sentence"])
    )


def test_published_types_that_are_not_configured_are_skipped_and_named():
    found = clean()

    assert list(found["skipped"]) == ["logs", "temporary_files", "analytics"]
    assert "logs: skipped, it is not configured" in said("--type=logs")


def test_type_command_runs_is_built_in_and_keeps_its_own_days(configure):
    configure(history={"enabled": False, "keep_days": 60})
    over, running = CommandRun.Status.SUCCEEDED, CommandRun.Status.RUNNING
    for days, status in ((61, over), (59, over), (61, running)):
        CommandRun.objects.create(name="x", status=status, finished_at=ago(days))

    assert clean("--days=1")["types"]["command_runs"]["rows"] == {"django_system_ops.CommandRun": 1}
    assert clean("--type=command_runs", "--days=1")["types"]["command_runs"]["rows"] == {
        "django_system_ops.CommandRun": 1
    }
    assert CommandRun.objects.get().status == running


def test_type_has_a_filter(types):
    types(events={**EVENTS, "filter": {"name__in": ["0", "2"]}})
    events(3)

    clean()

    assert Event.objects.get().name == "1"


def test_type_has_a_filter_on_other_tables(types):
    types(chats={**CHATS, "filter": {"messages__text": "1"}})
    chats(2, messages=3)
    spared = chats(1, messages=1)

    assert clean()["types"]["chats"]["rows"]["shop.Chat"] == 2
    assert list(Chat.objects.all()) == spared


def test_tenant_gets_only_its_own_rows_removed():
    chats(2, tenant="acme", messages=1)
    kept = chats(2, tenant="zenith", messages=1)
    events(1)

    found = clean("--tenant=acme")

    assert found["types"]["chats"]["rows"]["shop.Chat"] == 2
    assert set(Chat.objects.all()) == set(kept)
    assert Message.objects.count() == 2
    assert "shared by all tenants" in found["skipped"]["events"]
    assert "command_runs" in found["skipped"]
    assert Event.objects.count() == 1


def test_tenant_may_be_several(types):
    for name in ("acme", "beta", "zenith"):
        chats(1, tenant=name)

    clean("--tenant=acme,beta")

    assert Chat.objects.get().tenant.name == "zenith"


@pytest.mark.parametrize("args", [[], ["--tenant=all"]])
def test_tenant_all_is_the_same_as_none_and_has_what_is_shared(args):
    chats(1, tenant="acme")
    chats(1, tenant="zenith")
    events(1)

    clean(*args)

    assert (Chat.objects.count(), Event.objects.count()) == (0, 0)


def test_tenant_that_is_not_there_is_refused_with_names():
    for number in range(25):
        Tenant.objects.create(name=f"tenant{number:02}")

    found = clean("--tenant=tenant7")

    assert found["status"] == 2
    assert "Did you mean tenant" in found["sentence"]
    assert "and 5 more" in found["sentence"]


def test_tenant_is_told_apart_by_case():
    Tenant.objects.create(name="acme")

    assert clean("--tenant=ACME")["status"] == 2


def test_tenant_may_be_further_away(types):
    types(messages={"model": "shop.Message", "date_field": "chat__updated_at", "shared": True})
    assert clean("--type=messages")["status"] == 1
    types(
        runs={
            "model": "shop.Chat",
            "date_field": "updated_at",
            "tenant": "tenant__name",
        }
    )
    assert "no foreign key 'name'" in clean("--type=runs")["sentence"]


def test_tenant_needs_a_model(configure):
    configure(tenants={"model": ""})

    found = clean("--tenant=acme")

    assert (found["status"], "the site has no tenants" in found["sentence"]) == (2, True)


def test_batch_size_is_how_many_rows_a_transaction_removes():
    events(10)

    with Statements() as seen:
        clean("--batch-size=3", "--jobs=1", "--type=events")

    assert [count for count in seen.deleted if count] == [3, 3, 3, 1]


def test_batch_size_must_be_one_or_more():
    assert clean("--batch-size=0")["status"] == 2


def test_jobs_share_the_rows_out():
    events(500)

    found = clean("--batch-size=10", "--jobs=3", "--type=events")

    one = found["types"]["events"]
    assert one["rows"] == {"shop.Event": 500}
    assert one["jobs"] == (1 if connection.vendor == "sqlite" else 3)


@pytest.mark.sqlite
def test_jobs_are_one_on_sqlite_and_that_is_said():
    assert "one job: SQLite has one writer" in said("--jobs=4", "--type=events")


def test_jobs_come_from_the_environment_and_the_command_line_goes_before(monkeypatch, types):
    monkeypatch.setenv("CLEANUP_BATCH_SIZE", "2")
    monkeypatch.setenv("CLEANUP_CONCURRENT_JOBS", "1")
    events(4)

    with Statements() as seen:
        clean("--type=events")
    assert [count for count in seen.deleted if count] == [2, 2]

    events(4)
    with Statements() as seen:
        clean("--type=events", "--batch-size=4")
    assert [count for count in seen.deleted if count] == [4]


def test_max_seconds_stops_between_batches_and_says_that_it_is_not_finished(monkeypatch):
    from django_system_ops.services.cleanup import jobs

    events(10)
    chats(1)
    monkeypatch.setattr(jobs.Brake, "goes_on", _three_times(jobs.Brake.goes_on))

    found = clean("--max-seconds=60", "--batch-size=2", "--jobs=1", "--type=events,chats")

    assert (found["status"], found["complete"]) == (0, False)
    assert found["types"]["events"]["left"] == Event.objects.count() == 4
    assert found["types"]["chats"]["complete"] is False
    monkeypatch.undo()
    assert "Not finished" not in said()
    assert (Event.objects.count(), Chat.objects.count()) == (0, 0)


def test_max_seconds_that_are_over_at_once_say_to_run_again():
    events(1)

    assert "Not finished: run it again." in said("--max-seconds=0.000001")
    assert Event.objects.count() == 1
    assert clean("--max-seconds=0")["status"] == 2


def test_dry_run_changes_nothing():
    chats(2, messages=2)

    text = said("--dry-run")

    assert "chats: would go: 2 shop.Chat, 2 shop.Chat_tags, 4 shop.Message" in text
    assert Chat.objects.count() == 2


def test_database_is_one_of_the_sites():
    assert clean("--database=elsewhere")["status"] == 2


def test_verbosity_2_says_how_each_type_goes():
    assert "shop.Chat: children first; slowest statement" in said("--verbosity=2")


def _three_times(goes_on):
    calls = []

    def limited(self):
        calls.append(1)
        if len(calls) > 3:
            self.is_over = lambda: True
        return goes_on(self)

    return limited


class Statements:
    """Hears how many rows each DELETE of events removed, in whatever thread."""

    def __init__(self) -> None:
        self.deleted: list[int] = []

    def __enter__(self):
        self._original = original = LazyDelete.__call__

        def delete(lazy, after, until):
            count = original(lazy, after, until)
            self.deleted.append(count)
            return count

        LazyDelete.__call__ = delete
        return self

    def __exit__(self, *_error):
        LazyDelete.__call__ = self._original
