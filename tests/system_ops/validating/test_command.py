"""The options of validate_system, and the checks that look at no keys and no tables."""

import pytest
from django.contrib.auth.models import User
from django.core.checks import Error
from django.core.files.base import ContentFile
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from django_system_ops.models import CommandRun
from django_system_ops.services.validating import CheckReport, Finding, Inspection
from tests.system_ops.shop.models import Attachment, Message
from tests.system_ops.validating.conftest import a_chat, execute

pytestmark = pytest.mark.django_db(transaction=True)


class Amounts:
    """A check as a site would write it."""

    name = "amounts"
    help = "Amounts add up."
    is_default = True

    def run(self, scope) -> CheckReport:
        inspection = Inspection(self.name, "books", scope.using)
        with inspection.looking_at("the only one"):
            inspection.find(Finding("shop.Invoice", "does not add up"))
        return inspection.report()


class Broken(Amounts):
    name = "broken"

    def run(self, scope) -> CheckReport:
        raise RuntimeError("no such luck")


def path_of(kind: type) -> str:
    return f"{__name__}.{kind.__name__}"


@pytest.fixture
def attachment(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)

    def make(name: str) -> Attachment:
        message = Message.objects.create(chat=a_chat(), text="m")
        return Attachment.objects.create(message=message, file=ContentFile(b"x", name=name))

    return make


def test_without_options_everything_runs_but_what_is_only_told(validate):
    said = validate("--json")

    names = [one["check"] for one in said.document["checks"]]
    assert names == [
        "system_checks",
        "migrations",
        "schema",
        "foreign_keys",
        "generic_keys",
        "constraints",
        "files",
        "content_types",
    ]
    assert (said.status, said.document["findings"], said.document["errors"]) == (0, 0, 0)


def test_every_line_says_what_was_covered(validate):
    said = validate("--json")

    for check in said.document["checks"]:
        covered, skipped = check["covered"], sum(map(len, check["skipped"].values()))
        assert covered["looked_at"] + skipped == covered["total"], check
        assert (check["outcome"] == "nothing") == (not covered["looked_at"])


def test_list(validate):
    said = validate("--list")

    assert said.text.startswith("system_checks ")
    assert "choices" in said.text
    assert len(said.text.splitlines()) == 9


def test_check_may_be_given_several_times(validate):
    said = validate("--check=files", "--check=foreign_keys", "--json")

    assert [one["check"] for one in said.document["checks"]] == ["foreign_keys", "files"]


def test_unknown_check_is_refused_with_those_that_there_are(validate):
    said = validate("--check=fkeys")

    assert said.status == 2
    assert "foreign_keys, generic_keys" in said.error


@pytest.mark.parametrize("name", ["agents", "agents.Agent"])
def test_unknown_module_is_refused_with_those_that_there_are(validate, name):
    said = validate(f"--module={name}")

    assert said.status == 2
    assert "'agents'" in said.error
    assert "django_system_ops" in said.error
    assert "shop" in said.error


def test_unknown_model_of_a_module_is_refused_with_those_that_there_are(validate):
    said = validate("--module=shop.Basket")

    assert said.status == 2
    assert "Attachment, Award" in said.error


def test_module_limits_to_a_model_and_its_own_tables(validate):
    said = validate("--module=shop.Chat", "--check=foreign_keys")

    assert "3 of 3 keys" in said.text


def test_check_that_finds_nothing_to_look_at_has_not_passed(validate):
    said = validate("--module=shop.Tag", "--check=files")

    assert said.text == "NONE  files: nothing to look at, there are no fields\n"


def test_unmanaged_models_are_named_as_skipped(validate):
    said = validate("--module=tests_automation", "--check=foreign_keys")

    assert "skipped, unmanaged: tests_automation.Legacy" in said.text


def test_database_that_the_site_lacks_is_refused(validate):
    assert validate("--database=elsewhere").status == 2


def test_missing_file_is_found(validate, attachment):
    attachment("here.txt")
    lost = attachment("lost.txt")
    lost.file.storage.delete(lost.file.name)

    said = validate("--module=shop", "--check=files", "--json")

    (found,) = said.check("files")["findings"]
    assert said.status == 3
    assert found["object"] == "shop.Attachment.file"
    assert found["examples"] == [f"{lost.pk} ({lost.file.name})"]
    assert said.check("files")["covered"]["rows"] == 2


def test_sample_limits_the_files_and_says_so(validate, attachment):
    for number in range(5):
        attachment(f"{number}.txt")

    said = validate("--module=shop", "--check=files", "--sample=2")

    assert "4 of 4 fields, 2 rows" in said.text
    assert "shop.Attachment.file: 2 of 5 rows, because of --sample" in said.text


@pytest.mark.parametrize("number", ["0", "-3"])
def test_sample_of_nothing_is_refused(validate, number):
    assert validate(f"--sample={number}").status == 2


def test_choices_are_told_and_no_finding(validate):
    CommandRun.objects.create(name="x", source="FAX")

    said = validate("--module=django_system_ops", "--check=choices")

    assert said.status == 0
    assert "info: django_system_ops.CommandRun.source: has values" in said.text


def test_unapplied_migration_is_found(validate):
    execute("DELETE FROM django_migrations WHERE app = 'auth' AND name LIKE '0012%'")
    try:
        said = validate("--module=auth", "--check=migrations", "--json")
    finally:
        name = "0012_alter_user_first_name_max_length"
        MigrationRecorder(connection).record_applied("auth", name)

    (found,) = said.check("migrations")["findings"]
    assert found["object"] == "auth.0012_alter_user_first_name_max_length"


def test_change_without_a_migration_is_found(validate, monkeypatch):
    monkeypatch.setattr(User._meta.get_field("last_name"), "max_length", 151)

    said = validate("--module=auth", "--check=migrations", "--json")

    (found,) = said.check("migrations")["findings"]
    assert found["object"] == "auth"
    assert "Alter field last_name on user" in found["message"]


def test_error_of_a_system_check_is_a_finding_and_the_rest_runs(validate, settings):
    settings.OUTBOX = {"LEASE_SECONDS": "many"}

    said = validate("--check=system_checks", "--check=files", "--json")

    assert said.status == 3
    assert said.check("files")["outcome"] == "passed"
    assert "E003" in said.check("system_checks")["findings"][0]["object"]


def test_extra_check_of_the_site_runs_after_the_others(validate, configure):
    configure(validation={"extra_checks": [path_of(Amounts)]})

    said = validate("--check=amounts", "--check=files")

    assert said.status == 3
    assert said.text.splitlines()[-2:] == [
        "FAIL  amounts: 1 of 1 books, 1 wrong",
        "      shop.Invoice: does not add up",
    ]


def test_check_that_fails_is_an_error_and_the_others_run(validate, configure):
    configure(validation={"extra_checks": [path_of(Broken), path_of(Amounts)]})

    said = validate("--check=broken", "--check=amounts", "--json")

    assert said.status == 1
    assert said.check("broken")["errors"] == ["RuntimeError: no such luck"]
    assert said.check("amounts")["outcome"] == "findings"


@pytest.mark.parametrize(
    "path", ["nowhere.Check", "datetime.date", path_of(Finding), "datetime.UTC"]
)
def test_extra_check_that_is_none_is_refused_and_found_by_check(validate, configure, path):
    from django_system_ops.checks.validation import check_extra_checks

    configure(validation={"extra_checks": [path]})

    assert validate("--list").status == 1
    (error,) = check_extra_checks()
    assert isinstance(error, Error)
    assert error.id == "django_system_ops.E030"
    assert repr(path) in error.msg


def test_two_checks_of_one_name_are_refused(validate, configure):
    configure(validation={"extra_checks": [path_of(Amounts), path_of(Amounts)]})

    assert "'amounts'" in validate("--list").error
