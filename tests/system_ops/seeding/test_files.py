"""The files of a demo: those that it saved go with its rows, and none that somebody names."""

import pytest
from django.core.files.storage import FileSystemStorage

from tests.system_ops.seeding.conftest import HERE, run
from tests.system_ops.shop.models import Attachment, Specimen, Tenant
from tests.system_ops.studio.models import Portrait

pytestmark = pytest.mark.django_db(transaction=True)

ALLOWED = "--allow-production"


@pytest.fixture(autouse=True)
def tenant(shop, configure):
    configure(demo={"recipes": [f"{HERE}.demo_of_files"]})
    return Tenant.objects.create(name="acme")


def write(media, name):
    path = media / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("theirs")


def names(media):
    return {str(one.relative_to(media)) for one in media.rglob("*") if one.is_file()}


def test_files_that_rows_only_name_stay(media):
    theirs = {"attachments/logo.txt", "portraits/nobody.txt"}
    for name in theirs:
        write(media, name)

    run("setup_demo_data", ALLOWED)
    assert names(media) == theirs | {"attachments/saved.txt", "portraits/own.txt"}
    found = run("setup_demo_data", "--remove")

    assert (found["status"], found["failures"]) == (0, [])
    assert (Attachment.objects.count(), Portrait.objects.count()) == (0, 0)
    assert names(media) == theirs


def test_saved_file_that_a_row_of_another_table_names_stays(media, tenant):
    run("setup_demo_data", ALLOWED)
    Specimen.objects.create(tenant=tenant, code="mine", file="attachments/saved.txt")

    found = run("setup_demo_data", "--remove")

    assert found["status"] == 0
    assert names(media) == {"attachments/saved.txt"}


def test_saved_file_that_a_column_has_by_default_stays(media, configure):
    configure(demo={"recipes": [f"{HERE}.demo_of_a_default"]})

    run("setup_demo_data", ALLOWED)
    assert names(media) == {"portraits/nobody.txt"}
    run("setup_demo_data", "--remove")

    assert names(media) == {"portraits/nobody.txt"}


def test_file_of_a_row_that_is_gone_already_goes(media):
    run("setup_demo_data", ALLOWED)
    Attachment.objects.all().delete()

    run("setup_demo_data", "--remove")

    assert names(media) == set()


def test_file_of_the_same_name_in_another_storage_holds_none(media, tmp_path, tenant, monkeypatch):
    elsewhere = FileSystemStorage(location=tmp_path / "elsewhere")
    monkeypatch.setattr(Specimen._meta.get_field("file"), "storage", elsewhere)
    run("setup_demo_data", ALLOWED)
    Specimen.objects.create(tenant=tenant, code="mine", file="attachments/saved.txt")

    run("setup_demo_data", "--remove")

    assert names(media) == set()
