"""The samples that come with the example project."""

import pytest
from django.core.management import call_command

from django_system_ops.formats import read_rows
from tests.processes import ROOT
from tests.system_ops.shop.models import Article

SAMPLES = ROOT / "example_project" / "samples"
FORMATS = ("csv", "json", "xml")


def rows(format):
    with (SAMPLES / f"knowledge.{format}").open("rb") as file:
        return [row.values for row in read_rows(file, format)]


@pytest.mark.parametrize("format", FORMATS)
def test_sample_has_fifteen_rows_in_two_languages(format):
    found = rows(format)

    assert len(found) == 15
    assert {one["language"] for one in found} == {"en", "es"}
    assert {tuple(one) for one in found} == {("title", "slug", "content", "category", "language")}


def test_slugs_of_the_samples_are_all_different():
    slugs = [one["slug"] for format in FORMATS for one in rows(format)]

    assert len(set(slugs)) == 45


@pytest.mark.django_db
def test_samples_come_in(acme):
    call_command(
        "import_knowledge", directory=str(SAMPLES), tenant="acme", mapping="category=", verbosity=0
    )

    assert Article.objects.filter(tenant=acme, language="es").count() >= 21
    assert Article.objects.count() == 45
