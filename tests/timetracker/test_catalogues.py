"""The Spanish and Polish catalogues: complete, valid, and compiled from what is committed."""

import shutil
import subprocess
from gettext import GNUTranslations
from pathlib import Path

import pytest

import timetracker

LOCALE = Path(timetracker.__file__).parent / "locale"
CATALOGUES = sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def language(path):
    return path.parts[-3]


def test_both_languages_are_there():
    assert [language(path) for path in CATALOGUES] == ["es", "pl"]


@pytest.mark.parametrize("path", CATALOGUES, ids=language)
def test_no_entry_is_empty_or_uncertain(path):
    content = path.read_text(encoding="utf-8")
    entries = content.split("\n\n")[1:]

    assert "fuzzy" not in content
    assert [entry for entry in entries if 'msgstr ""' in entry or '] ""' in entry] == []


@pytest.mark.parametrize(("code", "forms"), [("es", 3), ("pl", 4)])
def test_every_plural_form_is_filled(code, forms):
    content = (LOCALE / code / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    plurals = [entry for entry in content.split("\n\n") if "msgid_plural" in entry]

    assert plurals
    assert all(entry.count("\nmsgstr[") == forms for entry in plurals)


@pytest.mark.parametrize("path", CATALOGUES, ids=language)
def test_compiled_catalogue_is_that_of_the_source(path, tmp_path):
    msgfmt = shutil.which("msgfmt")
    if msgfmt is None:
        pytest.skip("msgfmt of GNU gettext is not installed")
    fresh = tmp_path / "django.mo"

    subprocess.run([msgfmt, "--check", "-o", fresh, path], check=True, timeout=60)

    with fresh.open("rb") as new, path.with_suffix(".mo").open("rb") as committed:
        assert GNUTranslations(new)._catalog == GNUTranslations(committed)._catalog
