"""The last health check is taken back, and nothing of it is left but its record."""

from datetime import date

import pytest

from django_network_hc.exceptions import UndoError
from django_network_hc.models import HealthCheckSession
from django_network_hc.services.folders import checksum, script_folder
from django_network_hc.services.undoing import undo_last
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import edit, opened, prepared, run_month, state_of

pytestmark = pytest.mark.django_db(transaction=True)

MONTHS = range(len(EXPECTED))


class TestUndo:
    def test_network_is_as_it_was_before(self, root):
        network = prepared(root)
        run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        before = state_of(network), checksum(path)
        session = run_month(network, 1)

        done = undo_last(network, initiated_by="a test")

        assert (done.session, done.back_to) == (session, date(2025, 2, 6))
        assert (done.opened, done.closed) == tuple(
            EXPECTED[1]["counts"][name] for name in ("new", "closed")
        )
        assert (state_of(network), checksum(path)) == before
        assert run_month(network, 1).counts == EXPECTED[1]["counts"]

    def test_all_of_them_one_after_the_other(self, root):
        network = prepared(root)
        before = state_of(network)
        for month in MONTHS:
            run_month(network, month)

        for _month in MONTHS:
            undo_last(network, initiated_by="a test")

        assert state_of(network) == before
        with pytest.raises(UndoError, match="no health check"):
            undo_last(network, initiated_by="a test")
        assert [run_month(network, month).counts for month in MONTHS] == [
            EXPECTED[month]["counts"] for month in MONTHS
        ]

    def test_session_whose_process_has_died_is_not_waited_for(self, root):
        network = prepared(root)
        session = run_month(network, 0)
        dead = opened(network)
        HealthCheckSession.objects.filter(pk=dead.pk).update(
            status="PROCESSING", holder="another-host|1|1|a", expires_at="2020-01-01T00:00Z"
        )

        assert undo_last(network, initiated_by="a test").session == session
        dead.refresh_from_db()
        assert dead.status == "FAILED"

    def test_dry_run_changes_nothing(self, root):
        network = prepared(root)
        run_month(network, 0)
        before = state_of(network)

        done = undo_last(network, initiated_by="a test", dry_run=True)

        assert done.opened == EXPECTED[0]["counts"]["new"]
        assert state_of(network) == before

    def test_case_that_people_have_written_into_is_not_taken_away(self, root):
        network = prepared(root)
        session = run_month(network, 0)
        case = network.cases.filter(opened_by=session).first()
        assert case is not None
        edit(script_folder().tracker(NETWORK), case, "Remarks", "mine")
        before = state_of(network)

        with pytest.raises(UndoError, match="1 cases .* people have written into them"):
            undo_last(network, initiated_by="a test")

        assert state_of(network) == before
