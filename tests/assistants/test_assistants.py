"""The example's assistants: what the tables refuse, what the admin shows, what commands know."""

import io

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import IntegrityError, models, transaction
from django.db.models import RestrictedError
from django.utils import timezone

from assistants.models import Agent, Chat, KnowledgeItem, Message, Tenant, Tool
from config.operations import management_commands
from django_system_ops.checks.cleanup import check_cleanup
from django_system_ops.checks.data import check_data
from django_system_ops.services.data_types import data_types
from django_system_ops.services.tenants import resolve_tenants
from tests.assistants import factories
from tests.assistants.factories import NOON

pytestmark = pytest.mark.django_db

LISTS = (
    "tenant",
    "tool",
    "agent",
    "knowledgeitem",
    "document",
    "chat",
    "message",
    "analyticsevent",
)


@pytest.fixture
def site(settings, tmp_path):
    """The example's own settings of its commands, in a folder of this test."""
    settings.MANAGEMENT_COMMANDS = {
        **management_commands(tmp_path),
        "history": {"enabled": False},
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda: Agent.objects.create(tenant=factories.tenant(), slug="ana", name="Other"),
        lambda: KnowledgeItem.objects.create(tenant=factories.tenant(), slug="returns"),
        lambda: factories.document(1),
        lambda: factories.document(0),
        lambda: factories.chat(rating=6),
        lambda: factories.chat(rating=0),
        lambda: factories.chat(updated_at=NOON.replace(year=2025)),
        lambda: Message.objects.create(chat=factories.chat(), role="user", sentiment_score=1.5),
    ],
    ids=["agent", "item", "document", "number", "rating 6", "rating 0", "times", "score"],
)
def test_tables_refuse_what_cannot_be(make):
    factories.agent()
    factories.document(1)

    with pytest.raises(IntegrityError), transaction.atomic():
        make()


def test_slug_is_a_tenants_own_and_has_its_case():
    mine = factories.agent("ana")
    other = factories.agent("ana", of="demo2")
    upper = factories.agent("ANA")

    assert len({mine.pk, other.pk, upper.pk}) == 3


def test_agent_with_chats_stays_and_goes_with_its_tenant():
    factories.chat()

    with pytest.raises(RestrictedError):
        factories.agent().delete()
    Tenant.objects.get(slug="demo").delete()

    assert not Agent.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize("name", LISTS)
def test_list_asks_as_often_for_many_rows_as_for_one(name, client, django_assert_max_num_queries):
    client.force_login(User.objects.create_superuser("root"))
    Tool.objects.create(name="search")
    for number in range(1, 21):
        factories.chat(of="demo" if number % 2 else "demo2")
        factories.document(number)
        factories.event()

    with django_assert_max_num_queries(9):
        answer = client.get(f"/admin/assistants/{name}/")
    searched = client.get(f"/admin/assistants/{name}/?q=demo")

    assert (answer.status_code, searched.status_code) == (200, 200)


@pytest.mark.parametrize("model", [Chat, Message])
def test_what_grows_is_paged_by_key(model, client):
    client.force_login(User.objects.create_superuser("root"))
    for _ in range(30):
        factories.chat()
    newest, oldest = model.objects.latest("pk").pk, model.objects.earliest("pk").pk
    page = client.get(f"/admin/assistants/{model._meta.model_name}/").context["cl"]

    pages = 1
    assert page.result_list[0].pk == newest
    while page.older_url:
        answer = client.get(f"/admin/assistants/{model._meta.model_name}/{page.older_url}")
        page = answer.context["cl"]
        pages += 1
    assert page.result_list[-1].pk == oldest
    assert pages == (2 if model is Message else 1)


def test_key_of_a_tool_is_shown_to_those_alone_who_may_change_it(client):
    tool = Tool.objects.create(name="search", api_key="sk-very-secret")
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_tool"))
    url = f"/admin/assistants/tool/{tool.pk}/change/"

    client.force_login(looker)
    seen = client.get(url)
    client.force_login(User.objects.create_superuser("root"))
    changed = client.get(url)

    assert seen.status_code == 200
    assert b"sk-very-secret" not in seen.content
    assert b"sk-very-secret" in changed.content


def test_commands_know_whose_data_it_is(site):
    factories.chat(of="demo")
    factories.chat(of="demo2")

    assert [*check_data(), *check_cleanup()] == []
    mine = resolve_tenants("demo")
    counts = {one.name: one.rows(mine).count() for one in data_types() if not one.conf.shared}
    assert (counts["agents"], counts["chats"], counts["messages"]) == (1, 1, 2)


def test_old_chats_of_a_tenant_go_with_their_messages(site, capsys):
    factories.chat(
        of="demo", started_at=NOON.replace(year=2020), updated_at=NOON.replace(year=2021)
    )
    kept = factories.chat(
        of="demo2", started_at=NOON.replace(year=2020), updated_at=NOON.replace(year=2021)
    )

    call_command("cleanup_old_data", type="chats", tenant="demo", no_lock=True)

    assert list(Chat.objects.all()) == [kept]
    assert Message.objects.count() == 2


def test_new_site_begins_with_tenants_agents_and_tools(site):
    for _ in range(2):
        call_command("init_system", skip_admin=True, stdout=io.StringIO())

    assert [one.slug for one in Tenant.objects.all()] == ["demo", "demo2"]
    assert Agent.objects.count() == 4
    assert set(Agent.objects.values_list("tools__name", flat=True)) == set(
        Tool.objects.values_list("name", flat=True)
    )


def test_taken_tool_is_not_given_back(site):
    call_command("init_system", skip_admin=True, stdout=io.StringIO())
    agent = Agent.objects.first()
    agent.tools.clear()

    call_command("init_system", skip_admin=True, stdout=io.StringIO())

    assert not agent.tools.exists()


@pytest.mark.django_db(transaction=True)
def test_all_of_one_tenant_fits_beside_another_and_once(site, settings, tmp_path, capsys):
    settings.MEDIA_ROOT = tmp_path / "media"
    call_command("init_system", skip_admin=True, stdout=io.StringIO())
    call_command("setup_demo_data", allow_production=True, no_lock=True, stdout=io.StringIO())
    move = {"source": "demo", "target": "demo2", "no_lock": True, "no_record": True}

    counts = []
    for _ in range(2):
        call_command("migrate_tenant_data", **move)
        counts.append((Chat.objects.count(), Agent.objects.count(), KnowledgeItem.objects.count()))

    assert counts == [(180, 15, 24)] * 2
    assert not Chat.objects.exclude(agent__tenant=models.F("tenant")).exists()


@pytest.mark.django_db(transaction=True)
def test_knowledge_goes_to_the_next_form_and_back(site, settings, tmp_path, capsys):
    settings.MANAGEMENT_COMMANDS = {
        **settings.MANAGEMENT_COMMANDS,
        "state_directory": tmp_path / "state",
    }
    items = [
        KnowledgeItem.objects.create(
            tenant=factories.tenant(), slug=slug, title=title, content=text
        )
        for slug, title, text in (("a", "Fees", "None."), ("b", "# Odd", "# Odd\n\nText"))
    ]
    before = list(KnowledgeItem.objects.order_by("pk").values("content", "version"))

    call_command("migrate_knowledge_base", no_lock=True)

    items[0].refresh_from_db()
    assert (items[0].version, items[0].content) == ("2.0", "# Fees\n\nNone.")
    call_command("migrate_knowledge_base", validate_only=True, no_lock=True)
    call_command("migrate_knowledge_base", rollback=True, no_lock=True)
    assert list(KnowledgeItem.objects.order_by("pk").values("content", "version")) == before


def test_reports_speak_the_sites_languages(site, tmp_path):
    place = tmp_path / "report.md"
    factories.chat()

    wish = {"type": "agents", "date": "2026-07-01", "format": "md", "output": place}
    call_command("generate_reports", **wish, language="es")

    text = place.read_text(encoding="utf-8")
    assert "Chats por agente" in text
    assert "Resueltos" in text


def test_demo_has_something_of_everything_and_goes_again(
    site, settings, tmp_path, django_capture_on_commit_callbacks
):
    settings.MEDIA_ROOT = tmp_path / "media"
    call_command("init_system", skip_admin=True, stdout=io.StringIO())
    before = Agent.objects.count()

    call_command("setup_demo_data", allow_production=True, no_lock=True, stdout=io.StringIO())

    for tenant in Tenant.objects.all():
        chats = tenant.chats.all()
        assert chats.count() == 60
        assert {*chats.values_list("rating", flat=True)} >= {None, 1, 5}
        assert tenant.knowledge.values("language").distinct().count() == 2
        assert tenant.documents.count() == 5
        assert all(one.file.storage.exists(one.file.name) for one in tenant.documents.all())
        days = tenant.events.dates("created_at", "day")
        assert (days[len(days) - 1] - days[0]).days > 80
        assert not Message.objects.filter(chat__tenant=tenant).exclude(chat__agent__tenant=tenant)
    assert not Chat.objects.filter(updated_at__gt=timezone.now()).exists()

    with django_capture_on_commit_callbacks(execute=True):
        call_command("setup_demo_data", remove=True, no_lock=True, stdout=io.StringIO())

    assert Agent.objects.count() == before
    assert (Chat.objects.count(), KnowledgeItem.objects.count()) == (0, 0)
    assert not any(one.is_file() for one in (tmp_path / "media").rglob("*"))
