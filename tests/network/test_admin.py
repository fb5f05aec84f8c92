"""The pages of the admin: what they show, what they take, and who may do what."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_network_hc.models import Case, HealthCheckSession, IgnoreRule, Network
from django_network_hc.services.folders import checksum, script_folder
from tests.network.samples import EXPECTED, NETWORK, TRACKER
from tests.network.workspace import case_of, edit, month_files, opened, prepared, run_month

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at_once(settings):
    """Run tasks in the process that enqueues them."""
    settings.TASKS = {
        "default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}
        if "django_tasks" not in settings.INSTALLED_APPS
        else {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}
    }


def page(client, name, *args):
    """Return what a page says."""
    answer = client.get(reverse(f"admin:django_network_hc_{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def upload(client, network, month):
    """Send the files of a month; return the answer."""
    report, inventory = month_files(month)
    url = reverse("admin:django_network_hc_network_health_check", args=[network.pk])
    with report.open("rb") as first, inventory.open("rb") as second:
        return client.post(url, {"report": first, "inventory": second})


def of_role(client, *codenames):
    """Log in somebody who may do these things and no other."""
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)


@pytest.mark.usefixtures("at_once")
class TestHealthCheck:
    def test_three_months_are_uploaded_and_their_counts_shown(self, root, admin_client):
        network = prepared(root)

        for month, wanted in enumerate(EXPECTED):
            answer = upload(admin_client, network, month)

            shown = admin_client.get(answer.url).content.decode()
            numbers = re.findall(r"<dd>(\d+)</dd>", shown)
            counts = wanted["counts"]
            names = ("new", "reopened", "closed", "closed_unverified", "open_after")
            assert [int(one) for one in numbers] == [counts[name] for name in names]
            coverage = wanted["coverage"]
            assert f"{coverage['covered']} of {coverage['total']}" in shown
            assert "http-equiv" not in shown

    def test_files_that_came_out_are_handed_out(self, root, admin_client):
        network = prepared(root)
        session = HealthCheckSession.objects.get(
            pk=upload(admin_client, network, 0).url.rstrip("/").split("/")[-2]
        )
        tracker = session.files.get(kind="TRACKER_GENERATED")

        answer = admin_client.get(
            reverse(
                "admin:django_network_hc_healthchecksession_file", args=[session.pk, tracker.pk]
            )
        )

        assert answer.headers["Content-Disposition"].endswith(f'filename="{tracker.name}"')
        content = b"".join(answer.streaming_content)
        assert len(content) == tracker.size

    def test_wrong_file_is_a_failed_session_that_says_what_is_wrong(self, root, admin_client):
        network = prepared(root)
        before = checksum(script_folder().tracker(NETWORK))
        url = reverse("admin:django_network_hc_network_health_check", args=[network.pk])
        files = {
            "report": SimpleUploadedFile(f"{NETWORK}_Reports_20250206.xlsx", b"no workbook"),
            "inventory": SimpleUploadedFile("x.csv", b"HC-Id;"),
        }

        shown = admin_client.post(url, files, follow=True).content.decode()

        assert f"{NETWORK}_Reports_20250206.xlsx" in shown
        assert HealthCheckSession.objects.latest("pk").status == "FAILED"
        assert checksum(script_folder().tracker(NETWORK)) == before

    def test_failed_session_runs_again_by_its_button(self, root, admin_client):
        network = prepared(root)
        ignored = script_folder().ignored_tests(NETWORK)
        hidden = ignored.rename(ignored.with_suffix(".away"))
        answer = upload(admin_client, network, 0)
        assert "Run again" in admin_client.get(answer.url).content.decode()
        hidden.rename(ignored)
        session = HealthCheckSession.objects.latest("pk")

        admin_client.post(
            reverse("admin:django_network_hc_healthchecksession_again", args=[session.pk])
        )

        session.refresh_from_db()
        assert session.counts == EXPECTED[0]["counts"]

    def test_last_check_is_taken_back_by_its_button_and_an_older_one_is_not(
        self, root, admin_client
    ):
        network = prepared(root)
        first, last = run_month(network, 0), run_month(network, 1)
        name = "admin:django_network_hc_healthchecksession_undo"

        refused = admin_client.post(reverse(name, args=[first.pk]), follow=True)
        admin_client.post(reverse(name, args=[last.pk]))

        assert "Only the last health check" in refused.content.decode()
        first.refresh_from_db()
        last.refresh_from_db()
        assert (first.status, last.status) == ("COMPLETED", "UNDONE")

    def test_network_that_is_not_ready_takes_no_report(self, root, admin_client):
        network = prepared(root)
        Network.objects.update(setup_status="NEW")

        answer = upload(admin_client, network, 0)

        assert answer.status_code == 200
        assert "is not ready" in answer.content.decode()


class TestSessionPage:
    def test_session_at_work_shows_how_far_it_is_and_loads_itself_again(self, root, admin_client):
        session = opened(prepared(root))
        HealthCheckSession.objects.filter(pk=session.pk).update(
            status="PROCESSING", progress_percentage=25, current_step="comparing"
        )

        shown = page(admin_client, "healthchecksession_change", session.pk)

        assert '<meta http-equiv="refresh" content="2">' in shown
        assert '<progress max="100" value="25">' in shown
        assert "comparing" in shown

    def test_session_at_work_is_cancelled_by_its_button(self, root, admin_client):
        session = opened(prepared(root))

        admin_client.post(
            reverse("admin:django_network_hc_healthchecksession_cancel", args=[session.pk])
        )

        session.refresh_from_db()
        assert session.status == "CANCELLED"

    @pytest.mark.parametrize("word", ["cancel", "again", "undo"])
    def test_nothing_is_done_by_looking(self, root, admin_client, word):
        session = opened(prepared(root))

        url = reverse(f"admin:django_network_hc_healthchecksession_{word}", args=[session.pk])

        assert admin_client.get(url).status_code == 405

    @pytest.mark.parametrize("key", ["999999", "x", "9" * 40])
    def test_session_that_is_not_there_is_not_found(self, root, admin_client, key):
        prepared(root)
        url = reverse("admin:django_network_hc_healthchecksession_changelist")

        assert admin_client.get(f"{url}{key}/change/").status_code == 404

    def test_file_that_was_removed_is_not_found(self, root, admin_client):
        session = run_month(prepared(root), 0)
        file = session.files.get(kind="TEC_REPORT")
        (script_folder().session(session.session_id) / file.path).unlink()

        answer = admin_client.get(
            reverse("admin:django_network_hc_healthchecksession_file", args=[session.pk, file.pk])
        )

        assert answer.status_code == 404
        assert "removed" in page(admin_client, "healthchecksession_change", session.pk)


class TestNetworkPage:
    def test_new_network_begins_with_the_templates(self, root, admin_client):
        answer = admin_client.post(
            reverse("admin:django_network_hc_network_add"),
            {"customer": "CustomerA", "name": NETWORK, "network_type": "WDM"},
        )
        network = Network.objects.get()
        assert answer.url.endswith(f"/{network.pk}/overview/")
        assert "missing" in page(admin_client, "network_overview", network.pk)

        admin_client.post(
            reverse("admin:django_network_hc_network_prepare", args=[network.pk]),
            {"templates": "1"},
        )

        network.refresh_from_db()
        assert network.is_ready
        assert "Health check" in page(admin_client, "network_overview", network.pk)

    def test_overview_shows_numbers_charts_and_months(self, root, admin_client):
        network = prepared(root)
        for month in range(3):
            run_month(network, month)

        shown = page(admin_client, "network_overview", network.pk)

        assert shown.count('<svg class="opskit-chart"') == 3
        assert f"<dd>{EXPECTED[2]['counts']['open_after']}</dd>" in shown
        assert shown.count("/change/") >= 3
        assert "<script" not in shown.split('id="content-main"')[1].split("</main>")[0]
        assert " style=" not in shown.split('id="content-main"')[1].split("</main>")[0]

    def test_number_of_queries_does_not_grow_with_reports(self, root, admin_client):
        network = prepared(root)
        run_month(network, 0)
        counts = []
        for month in (1, 2):
            run_month(network, month)
            with CaptureQueriesContext(connection) as caught:
                page(admin_client, "network_overview", network.pk)
            counts.append(len(caught))

        assert counts[0] == counts[1]

    def test_first_tracker_is_uploaded(self, root, admin_client):
        network = Network.objects.create(customer="CustomerA", name=NETWORK)
        root.mkdir()
        url = reverse("admin:django_network_hc_network_tracker", args=[network.pk])
        with TRACKER.open("rb") as tracker:
            answer = admin_client.post(url, {"tracker": tracker}, follow=True)

        assert network.cases.count() > 0
        assert "first tracker" in answer.content.decode()
        assert checksum(script_folder().tracker(NETWORK)) == checksum(TRACKER)

    def test_edited_tracker_is_uploaded(self, root, admin_client, tmp_path):
        network = prepared(root)
        run_month(network, 0)
        case = network.cases.filter(state="OPEN").first()
        copy = tmp_path / "edited.xlsx"
        copy.write_bytes(script_folder().tracker(NETWORK).read_bytes())
        edit(copy, case, "Remarks", "from the field")

        url = reverse("admin:django_network_hc_network_tracker", args=[network.pk])
        with copy.open("rb") as tracker:
            admin_client.post(url, {"tracker": tracker})

        case.refresh_from_db()
        assert case.remarks == "from the field"

    def test_second_network_of_a_name_is_refused_with_words(self, root, admin_client):
        prepared(root)
        url = reverse("admin:django_network_hc_network_add")

        shown = admin_client.post(
            url, {"customer": "B", "name": NETWORK, "network_type": "WDM"}
        ).content.decode()

        assert "There is a network of this name already." in shown

    def test_removed_network_is_not_listed_and_keeps_what_is_known(self, root, admin_client):
        network = prepared(root)

        admin_client.post(
            reverse("admin:django_network_hc_network_delete", args=[network.pk]), {"post": "yes"}
        )

        network.refresh_from_db()
        assert (network.removed_as, network.cases.exists()) == (network.pk, True)
        page(admin_client, "network_changelist")  # says once that it was deleted
        assert NETWORK not in page(admin_client, "network_changelist")
        Network.objects.create(customer="CustomerA", name=NETWORK)

    @pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b", "x" * 101, "template"])
    def test_name_that_no_file_could_have_is_refused(self, root, admin_client, name):
        admin_client.post(
            reverse("admin:django_network_hc_network_add"),
            {"customer": "CustomerA", "name": name, "network_type": ""},
        )

        assert not Network.objects.exists()

    def test_list_has_the_figures_of_all_networks_in_as_many_queries(self, root, admin_client):
        prepared(root)
        with CaptureQueriesContext(connection) as once:
            page(admin_client, "network_changelist")
        for number in range(5):
            Network.objects.create(customer="B", name=f"N{number}")

        with CaptureQueriesContext(connection) as often:
            page(admin_client, "network_changelist")

        assert len(once) == len(often)


class TestCases:
    def form(self, case, **changes):
        names = ("status", "origin", "category", "hardware", "card", "remarks")
        shown = {name: getattr(case, name) for name in names}
        if not case.is_open:
            shown["status"] = case.state
        seen = {f"initial-{name}": value for name, value in shown.items()}
        return seen | shown | changes

    def test_what_engineers_write_is_saved_with_its_history(self, root, admin_client):
        case = prepared(root).cases.filter(state="OPEN").first()
        url = reverse("admin:django_network_hc_case_change", args=[case.pk])

        admin_client.post(url, self.form(case, status="In progress", card="SN-1"))

        case.refresh_from_db()
        assert (case.status, case.card, case.state) == ("In progress", "SN-1", "OPEN")
        assert "SN-1" in page(admin_client, "case_history", case.pk)

    def test_page_that_is_older_than_a_session_opens_nothing_again(self, root, admin_client):
        network = prepared(root)
        case = case_of(network, EXPECTED[0]["closed"][0])
        seen = self.form(case, remarks="looked at")
        run_month(network, 0)
        url = reverse("admin:django_network_hc_case_change", args=[case.pk])

        admin_client.post(url, seen)

        case.refresh_from_db()
        assert (case.state, case.remarks) == ("CLOSED", "looked at")

    def test_page_does_not_overwrite_what_somebody_else_has_written(self, root, admin_client):
        case = prepared(root).cases.filter(state="OPEN").first()
        seen = self.form(case, card="SN-2", remarks="mine")
        Case.objects.filter(pk=case.pk).update(remarks="theirs", hardware="theirs too")
        url = reverse("admin:django_network_hc_case_change", args=[case.pk])

        shown = admin_client.post(url, seen).content.decode()
        assert "Somebody has written this meanwhile: theirs" in shown
        admin_client.post(url, seen | {"remarks": seen["initial-remarks"]})

        case.refresh_from_db()
        assert (case.card, case.remarks, case.hardware) == ("SN-2", "theirs", "theirs too")

    def test_closing_and_opening_again(self, root, admin_client):
        case = prepared(root).cases.filter(state="OPEN").first()
        url = reverse("admin:django_network_hc_case_change", args=[case.pk])

        admin_client.post(url, self.form(case, status="closed"))
        case.refresh_from_db()
        assert (case.state, case.closed_by) == ("CLOSED", None)
        assert case.closed_on is not None
        admin_client.post(url, self.form(case, status="OPEN"))

        case.refresh_from_db()
        assert (case.state, case.closed_on) == ("OPEN", None)

    def test_second_open_case_of_a_finding_is_refused(self, root, admin_client):
        network = prepared(root)
        case = network.cases.filter(state="OPEN").first()
        twin = Case.objects.get(pk=case.pk)
        twin.pk, twin.state = None, "CLOSED"
        twin.save()
        url = reverse("admin:django_network_hc_case_change", args=[twin.pk])

        shown = admin_client.post(url, self.form(twin, status="again")).content.decode()

        twin.refresh_from_db()
        assert twin.state == "CLOSED"
        assert "has an open case already" in shown

    def test_save_leaves_alone_what_a_session_writes_meanwhile(self, root, admin_client):
        case = prepared(root).cases.filter(state="OPEN").first()
        url = reverse("admin:django_network_hc_case_change", args=[case.pk])
        Case.objects.filter(pk=case.pk).update(times_seen=41)

        admin_client.post(url, self.form(case, remarks="x"))

        case.refresh_from_db()
        assert (case.remarks, case.times_seen) == ("x", 41)

    @pytest.mark.parametrize("query", ["?state=OPEN", "?state=unverified", "?q=5.2.1", ""])
    def test_lists(self, root, admin_client, query):
        network = prepared(root)
        run_month(network, 0)
        url = reverse("admin:django_network_hc_case_changelist")

        assert admin_client.get(f"{url}{query}").status_code == 200


class TestRules:
    def test_rule_that_is_entered_takes_its_findings(self, root, admin_client):
        network = prepared(root)
        node, test, _prio, _issue, text = EXPECTED[0]["new"][0]
        url = reverse("admin:django_network_hc_ignorerule_add")
        admin_client.post(
            url, {"network": network.pk, "scope": "NODE_TEST", "test": test, "hc_id": node}
        )

        session = run_month(network, 0)

        assert not network.cases.filter(
            opened_by=session, hc_id=node, test=test, text=text
        ).exists()
        rule = IgnoreRule.objects.get(source="HERE")
        assert rule.hits > 0
        assert session.counts["ignored_selective"] > EXPECTED[0]["counts"]["ignored_selective"]

    def test_expired_rule_takes_nothing(self, root, admin_client):
        network = prepared(root)
        wanted = run_month(network, 0).counts
        assert wanted == EXPECTED[0]["counts"]
        rule = network.ignore_rules.filter(scope="TEST").order_by("-hits")[0]
        url = reverse("admin:django_network_hc_ignorerule_change", args=[rule.pk])
        admin_client.post(url, {"reason": "until spring", "owner": "", "expires_on": "2025-03-01"})

        session = run_month(network, 1)

        assert session.counts["ignored_global"] < EXPECTED[1]["counts"]["ignored_global"]
        rule.refresh_from_db()
        assert (rule.reason, rule.test) == ("until spring", rule.test)

    def test_second_rule_of_the_same_kind_is_refused_with_words(self, root, admin_client):
        network = prepared(root)
        url = reverse("admin:django_network_hc_ignorerule_add")
        rule = {"network": network.pk, "scope": "TEST", "test": "88.8"}
        admin_client.post(url, rule)

        shown = admin_client.post(url, rule).content.decode()

        assert "The network has this rule already." in shown

    def test_finding_of_several_lines_is_taken_by_its_rule(self, root, admin_client):
        network = prepared(root)
        rule = IgnoreRule(network=network, scope="FINDING", test="1.1", hc_id=5, text="a\r\nb")
        rule.clean()

        assert (rule.text, rule.key) == (
            "a\nb",
            IgnoreRule.key_of("FINDING", "1.1", 5, "", "a\nb"),
        )

    def test_rule_without_its_node_is_refused(self, root, admin_client):
        network = prepared(root)
        url = reverse("admin:django_network_hc_ignorerule_add")

        shown = admin_client.post(
            url, {"network": network.pk, "scope": "FINDING", "test": "1.1"}
        ).content.decode()

        assert "Say which node is meant." in shown

    def test_rule_of_a_file_is_not_deleted_here(self, root, admin_client):
        rule = prepared(root).ignore_rules.first()

        url = reverse("admin:django_network_hc_ignorerule_delete", args=[rule.pk])

        assert admin_client.post(url, {"post": "yes"}).status_code == 403


class TestPermissions:
    def test_viewer_sees_and_does_nothing(self, root, client):
        network = prepared(root)
        session = run_month(network, 0)
        of_role(client, "view_network", "view_healthchecksession", "view_case")

        assert "Health check</a>" not in page(client, "network_overview", network.pk)
        assert "Take back" not in page(client, "healthchecksession_change", session.pk)
        assert upload(client, network, 1).status_code == 403
        for name in ("undo", "again", "cancel"):
            url = reverse(f"admin:django_network_hc_healthchecksession_{name}", args=[session.pk])
            assert client.post(url).status_code == 403
        for name in ("tracker", "prepare"):
            url = reverse(f"admin:django_network_hc_network_{name}", args=[network.pk])
            assert client.post(url).status_code == 403

    def test_stranger_sees_nothing(self, root, client):
        network = prepared(root)
        session = run_month(network, 0)
        file = session.files.first()
        of_role(client, "view_user")

        for name, args in (
            ("network_overview", [network.pk]),
            ("healthchecksession_change", [session.pk]),
            ("healthchecksession_file", [session.pk, file.pk]),
        ):
            url = reverse(f"admin:django_network_hc_{name}", args=args)
            assert client.get(url).status_code == 403

    def test_every_list_opens(self, root, admin_client):
        run_month(prepared(root), 0)
        for name in (
            "network",
            "healthchecksession",
            "case",
            "ignorerule",
            "node",
            "inventoryitem",
        ):
            page(admin_client, f"{name}_changelist")

    def test_node_shows_what_each_report_said(self, root, admin_client):
        network = prepared(root)
        run_month(network, 0)
        node = network.nodes.first()

        assert "Feb. 6, 2025" in page(admin_client, "node_change", node.pk)
