"""The client against this site's own API: both halves of the contract, over a socket."""

import pytest
from django.core.cache import cache

from tests.timetracker.sync.factories import TaskFactory
from timetracker.sync.caller import Timing
from timetracker.sync.client import TaskClient
from timetracker.sync.conf import SyncSettings
from timetracker.sync.contract import read_records
from timetracker.sync.engine.cursor import written
from timetracker.sync.exceptions import CredentialsError, UnreachableError

pytestmark = pytest.mark.urls("tests.timetracker.sync.urls")

KEY = {"API_KEY": "key-of-the-planner"}
OAUTH = {"CLIENT_ID": "worker", "CLIENT_SECRET": "secret: of the wörker"}


@pytest.fixture(autouse=True)
def api(settings):
    settings.TIMETRACKER_API = {
        "API_KEYS": {"planner": KEY["API_KEY"]},
        "OAUTH_CLIENTS": {OAUTH["CLIENT_ID"]: OAUTH["CLIENT_SECRET"]},
    }
    cache.clear()
    return settings.TIMETRACKER_API


@pytest.fixture
def make_client(live_server):
    def make(keys, **timing):
        if "CLIENT_ID" in keys:
            keys = {**keys, "TOKEN_URL": f"{live_server.url}/api/token/"}
        conf = SyncSettings.model_validate({"MAX_REQUESTS_PER_SECOND": 1e6, "PAGE_SIZE": 2, **keys})
        return TaskClient(f"{live_server.url}/api/tasks/", conf, timing=Timing(**timing))

    return make


def ids(fetched):
    return [
        delivery.external_id
        for number, records in enumerate(fetched.pages)
        for delivery in read_records(records, owner=1, page=number).deliveries
    ]


@pytest.mark.parametrize("keys", [KEY, OAUTH], ids=["API key", "OAuth"])
def test_the_list_is_read_with_either_kind_of_credentials(make_client, keys):
    for number in range(5):
        TaskFactory(external_id=f"T-{number}")

    fetched = make_client(keys).fetch()

    assert [len(records) for records in fetched.pages] == [2, 2, 1]
    assert ids(fetched) == ["T-0", "T-1", "T-2", "T-3", "T-4"]


@pytest.mark.parametrize(
    "keys",
    [{}, {"API_KEY": "another key than that"}, {**OAUTH, "CLIENT_SECRET": "another secret"}],
)
def test_wrong_credentials_are_refused(make_client, keys):
    with pytest.raises(CredentialsError, match="status 401"):
        make_client(keys).fetch()


def test_only_what_changed_is_read_again_and_nothing_when_nothing_did(make_client):
    TaskFactory(external_id="T-1")
    client = make_client(KEY)
    first = client.fetch()
    since = written(first.server_time)

    nothing = client.fetch(updated_since=since, etag=first.etag)
    TaskFactory(external_id="T-2")
    change = client.fetch(updated_since=since, etag=first.etag)

    assert nothing.server_time is None
    assert ids(change) == ["T-2"]


def test_the_address_without_its_last_slash_leads_there_too(make_client, live_server):
    TaskFactory(external_id="T-1")
    client = make_client(KEY)
    client.url = f"{live_server.url}/api/tasks"

    assert ids(client.fetch()) == ["T-1"]


def test_a_token_that_the_server_no_longer_takes_is_renewed(make_client, settings):
    TaskFactory.create_batch(3)

    def change_key_of_the_site(tasks):
        # What was signed before is worth nothing now.
        settings.SECRET_KEY = "another one"

    fetched = make_client(OAUTH).fetch(on_page=change_key_of_the_site)

    assert len(ids(fetched)) == 3


def test_the_quota_is_kept_to_before_the_server_has_to_refuse(make_client, api):
    api["REQUESTS_PER_MINUTE"] = 2
    TaskFactory.create_batch(6)
    waits = []

    def wait(seconds):
        waits.append(seconds)
        cache.clear()

    fetched = make_client(KEY, sleep=wait).fetch()

    assert len(ids(fetched)) == 6
    assert [wait for wait in waits if wait > 1] == [pytest.approx(60, abs=5)]


def test_a_quota_that_is_used_up_by_others_ends_the_run_when_the_wait_is_too_long(make_client, api):
    api["REQUESTS_PER_MINUTE"] = 1
    make_client(KEY).fetch()

    with pytest.raises(UnreachableError, match="status 429. It asks us to wait for"):
        make_client({**KEY, "WAIT_CAP_SECONDS": 1.0}).fetch()
