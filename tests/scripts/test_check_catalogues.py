"""A catalogue that is not complete, or not compiled, does not pass `make check`."""

import pytest

# The matrix installs no tools.
pytest.importorskip("babel")

from babel.messages.mofile import write_mo

from scripts.check_catalogues import faults_of_catalogue, read_catalogue

HEADER = r"""
msgid ""
msgstr ""
"Project-Id-Version: django-opskit\n"
"PO-Revision-Date: 2026-01-01 12:00+0000\n"
"Last-Translator: django-opskit contributors\n"
"Language-Team: Polish\n"
"Language: pl\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=4; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1"
" : n!=1 && n%10<=1 || n%10>=5 && n%10<=9 || n%100>=12 && n%100<=14 ? 2 : 3);\n"
"""
GREETING = """
#, python-format
msgid "Hello %(name)s"
msgstr "Witaj %(name)s"
"""
IN_CONTEXT = """
msgctxt "sums of a day"
msgid "done"
msgstr "gotowe"
"""
JOBS = """
#, python-format
msgid "%(count)d job"
msgid_plural "%(count)d jobs"
msgstr[0] "%(count)d zadanie"
msgstr[1] "%(count)d zadania"
msgstr[2] "%(count)d zadań"
msgstr[3] "%(count)d zadania"
"""


@pytest.fixture
def catalogue(tmp_path):
    """Write a Polish catalogue and compile it; returns the path of the .po."""

    def write(*messages):
        po = tmp_path / "locale" / "pl" / "LC_MESSAGES" / "django.po"
        po.parent.mkdir(parents=True, exist_ok=True)
        po.write_text(HEADER + "".join(messages), encoding="utf-8")
        with po.with_suffix(".mo").open("wb") as file:
            write_mo(file, read_catalogue(po))
        return po

    return write


def test_complete_and_compiled_catalogue_has_no_fault(catalogue):
    assert list(faults_of_catalogue(catalogue(GREETING, IN_CONTEXT, JOBS))) == []


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        ("Witaj %(name)s", "", "'Hello %(name)s' is not translated"),
        ("#, python-format", "#, fuzzy, python-format", "'Hello %(name)s' is fuzzy"),
        ("Witaj %(name)s", "Witaj %(nam)s", "unknown named placeholder 'nam'"),
    ],
)
def test_message_that_is_not_finished_is_a_fault(catalogue, good, bad, fault):
    po = catalogue(GREETING.replace(good, bad))

    assert any(fault in found for found in faults_of_catalogue(po))


def test_plural_with_two_of_four_forms_is_a_fault(catalogue):
    two_forms = JOBS[: JOBS.index("msgstr[2]")]

    faults = list(faults_of_catalogue(catalogue(two_forms)))

    assert any("(4 form(s) are needed)" in fault for fault in faults)


def test_catalogue_changed_since_it_was_compiled_is_a_fault(catalogue):
    po = catalogue(IN_CONTEXT)
    po.write_text(HEADER + IN_CONTEXT.replace("gotowe", "zrobione"), encoding="utf-8")

    (fault,) = faults_of_catalogue(po)

    assert fault == "differs from its .mo: `make messages` compiles it anew"


def test_catalogue_that_was_never_compiled_is_a_fault(catalogue):
    po = catalogue(GREETING)
    po.with_suffix(".mo").unlink()

    assert list(faults_of_catalogue(po)) == ["is not compiled: `make messages` does that"]
