"""init_system: what is missing is made, the rest is left alone, nobody hears the password."""

import io
import json
import subprocess

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_system_ops.models import CommandRun
from tests.system_ops.seeding.conftest import HERE, run
from tests.system_ops.shop.models import Chat, Event, Tag, Tenant

pytestmark = pytest.mark.django_db

WRITES = ("INSERT", "UPDATE", "DELETE")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("USERNAME", "EMAIL", "PASSWORD"):
        monkeypatch.delenv(f"DJANGO_SUPERUSER_{name}", raising=False)


def test_new_site_gets_all(shop):
    found = run("init_system")

    assert found["status"] == 0
    assert {one.name for one in Tenant.objects.all()} == {"acme", "zenith"}
    assert found["steps"]["tenants"]["created"] == {"shop.Tenant": 2}
    assert found["steps"][f"{HERE}.chats"]["created"] == {"shop.Chat": 2}
    assert User.objects.get(is_superuser=True).check_password(found["admin"]["password"])


def test_second_run_writes_nothing(shop):
    run("init_system")

    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = run("init_system")

    assert [one["sql"] for one in asked if one["sql"].startswith(WRITES)] == []
    assert all(not one["created"] and not one["changed"] for one in found["steps"].values())
    assert found["admin"] == {"username": "admin", "created": False}


def test_what_people_changed_stays_but_for_what_is_fixed(shop):
    run("init_system")
    Event.objects.update(payload={"by": "them"})
    Chat.objects.filter(tenant__name="acme").update(updated_at="2020-01-01T00:00Z")

    found = run("init_system")

    assert found["steps"][f"{HERE}.tags"]["changed"] == {"shop.Event": 1}
    assert Event.objects.get().payload == {"by": "us"}
    assert Chat.objects.get(tenant__name="acme").updated_at.year == 2020


def test_option_skip_admin_makes_none(shop):
    found = run("init_system", "--skip-admin")

    assert (found["admin"], User.objects.count()) == (None, 0)


def test_option_tenant_makes_that_one_alone(shop):
    run("init_system", "--tenant=acme")

    assert [one.name for one in Tenant.objects.all()] == ["acme"]
    assert [one.tenant.name for one in Chat.objects.all()] == ["acme"]


@pytest.mark.parametrize(
    ("tenant", "sentence"),
    [("acne", "There is no tenant 'acne'"), ("acme,all", "either all, or names"), ("", "empty")],
)
def test_unknown_tenant_is_wrong_usage_and_nothing_is_made(shop, tenant, sentence):
    found = run("init_system", f"--tenant={tenant}")

    assert (found["status"], sentence in found["sentence"]) == (2, True)
    assert not User.objects.exists()
    assert not Tenant.objects.exists()


def test_dry_run_makes_nothing_and_says_what_it_would(shop):
    found = run("init_system", "--dry-run")

    assert found["steps"][f"{HERE}.chats"]["created"] == {"shop.Chat": 2}
    assert found["admin"] == {"username": "admin", "created": True}
    assert not Tenant.objects.exists()
    assert not User.objects.exists()


def test_step_that_fails_leaves_nothing_of_itself_and_all_of_those_before(shop, configure):
    configure(init={"steps": [f"{HERE}.tags", f"{HERE}.fails"]})

    with pytest.raises(ValueError, match="no more"):
        call_command("init_system", stdout=io.StringIO())

    assert [one.name for one in Tag.objects.all()] == ["new"]


class TestAdministrator:
    """The built-in step."""

    def test_is_named_by_the_environment(self, shop, monkeypatch):
        monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "eva")
        monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "eva@example.com")
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "from-the-environment")

        found = run("init_system")

        made = User.objects.get()
        assert found["admin"] == {"username": "eva", "created": True}
        assert made.check_password("from-the-environment")
        assert (made.username, made.email) == ("eva", "eva@example.com")

    def test_is_named_by_the_settings(self, configure):
        configure(init={"admin_username": "eva", "admin_email": "eva@example.com"})

        run("init_system")

        assert User.objects.get(is_superuser=True).email == "eva@example.com"

    def test_that_is_there_is_left_alone_whatever_it_is_called(self, shop, monkeypatch):
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "another")
        there = User.objects.create_superuser("root", password="mine")

        found = run("init_system")

        assert found["admin"] == {"username": "root", "created": False}
        assert User.objects.get() == there
        assert User.objects.get().check_password("mine")

    def test_is_not_made_of_somebody_else(self, shop):
        User.objects.create_user("admin")

        found = run("init_system")

        assert (found["status"], "no administrator" in found["sentence"]) == (2, True)
        assert not User.objects.filter(is_superuser=True).exists()

    def test_gets_another_password_on_each_site(self, shop):
        passwords = set()
        for _ in range(2):
            User.objects.all().delete()
            passwords.add(run("init_system")["admin"]["password"])

        assert len(passwords) == 2
        assert min(map(len, passwords)) >= 20


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("verbosity", [0, 1])
def test_password_is_shown_once_and_is_in_no_row(
    shop, settings, manage, process_env, as_json, verbosity
):
    own = {**settings.MANAGEMENT_COMMANDS, "history": {"enabled": True}}
    env = {**process_env, "OPSKIT_SYSTEM_OPS": json.dumps(own, default=str)}

    ended = manage("init_system", f"--verbosity={verbosity}", *["--json"] * as_json, env=env)

    assert ended.returncode == 0, ended.stderr
    if as_json:
        password = json.loads(ended.stdout)["admin"]["password"]
    else:
        password = ended.stdout.split("password = ")[1].split()[0]
    assert User.objects.get(username="admin").check_password(password)
    row = CommandRun.objects.get(name="init_system")
    assert row.status == CommandRun.Status.SUCCEEDED
    everything = json.dumps(list(CommandRun.objects.values()), default=str)
    assert password not in everything
    assert password[:12] not in everything
    assert ended.stdout.count(password) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("as_json", [True, False])
def test_password_is_shown_though_a_step_fails_later(
    shop, settings, manage, process_env, as_json, configure
):
    configure(init={"tenants": {"acme": {}}, "steps": [f"{HERE}.tags", f"{HERE}.fails"]})
    own = {**settings.MANAGEMENT_COMMANDS, "history": {"enabled": True}}
    env = {**process_env, "OPSKIT_SYSTEM_OPS": json.dumps(own, default=str)}

    ended = manage("init_system", *["--json"] * as_json, env=env)

    assert ended.returncode == 1
    assert "no more" in ended.stderr
    if as_json:
        document = json.loads(ended.stdout)
        password = document["admin"]["password"]
        assert document["error"] == "no more"
        assert list(document["steps"]) == ["tenants", f"{HERE}.tags"]
    else:
        password = ended.stdout.split("password = ")[1].split()[0]
        assert f"{HERE}.tags: made: 1 shop.Event, 1 shop.Tag" in ended.stdout
    assert User.objects.get(username="admin").check_password(password)
    row = CommandRun.objects.get(name="init_system")
    assert row.status == CommandRun.Status.FAILED
    assert password not in json.dumps(list(CommandRun.objects.values()), default=str)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_of_each(shop, spawn, ops_env):
    both = [spawn("init_system", "--json", env=ops_env, stdout=subprocess.PIPE) for _ in range(2)]

    outputs = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    assert (User.objects.count(), Tenant.objects.count(), Tag.objects.count()) == (1, 2, 1)
    said = [json.loads(out[0])["admin"]["created"] for out in outputs]
    assert sorted(said) == [False, True]
