"""
Check the catalogues: Spanish and Polish complete, compiled, and no string of the source missing.

Reading and comparing needs Babel alone. Gettext's own programs check the formats and find the
strings that a catalogue has not heard of; where they are not installed, that is said.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("es", "pl")
HAS_GETTEXT = all(shutil.which(program) for program in ("msgfmt", "msgmerge", "xgettext"))

Texts = dict[tuple[str | None, str | tuple[str, ...]], str | tuple[str, ...]]


def packages_with_catalogues() -> list[Path]:
    """Return the folders of our packages that are translated."""
    found = [*ROOT.glob("django_*/locale"), *ROOT.glob("example_project/*/locale")]
    return sorted(folder.parent for folder in found)


def read_catalogue(po: Path) -> Catalog:
    """Read a catalogue whose language is the name of its folder."""
    with po.open("rb") as file:
        return read_po(file, locale=po.parent.parent.name)


def untranslated(catalogue: Catalog) -> Iterator[str]:
    """Yield a sentence for each message that is empty, half filled or a guess."""
    for message in catalogue:
        if not message.id:
            continue
        texts = message.string if isinstance(message.string, (list, tuple)) else [message.string]
        wanted = catalogue.num_plurals if message.pluralizable else 1
        if message.fuzzy:
            yield f"{message.id!r} is fuzzy"
        elif len(texts) < wanted or not all(texts):
            yield f"{message.id!r} is not translated ({wanted} form(s) are needed)"


def texts_of(catalogue: Catalog) -> Texts:
    """Return what a program finds in the catalogue, without comments and header."""
    return {
        (as_text(message.context), as_key(message.id)): as_key(message.string)
        for message in catalogue
        if message.id
    }


def as_text(context: str | bytes | None) -> str | None:
    """Return a message's context as text; Babel leaves it undecoded in a .mo."""
    return context.decode() if isinstance(context, bytes) else context


def as_key(text: str | list[str] | tuple[str, ...] | None) -> str | tuple[str, ...]:
    """Return plural forms as a tuple, whichever way they were read."""
    return tuple(text) if isinstance(text, (list, tuple)) else text or ""


def faults_of_catalogue(po: Path) -> Iterator[str]:
    """Yield what is wrong with one .po and its .mo."""
    catalogue = read_catalogue(po)
    yield from untranslated(catalogue)
    for message, errors in catalogue.check():
        for error in errors:
            yield f"{message.id!r}: {error}"
    mo = po.with_suffix(".mo")
    if not mo.exists():
        yield "is not compiled: `make messages` does that"
    else:
        with mo.open("rb") as file:
            if texts_of(read_mo(file)) != texts_of(catalogue):
                yield "differs from its .mo: `make messages` compiles it anew"
    if HAS_GETTEXT:
        command = ["msgfmt", "--check", "--output-file", os.devnull, str(po)]
        checked = subprocess.run(command, check=False, capture_output=True, text=True)
        if checked.returncode:
            yield checked.stderr.strip()


def faults_of_package(package: Path) -> Iterator[str]:
    """Yield what is wrong with a package's catalogues, and what they lack."""
    for language in LANGUAGES:
        catalogues = sorted((package / "locale" / language / "LC_MESSAGES").glob("*.po"))
        if not catalogues:
            yield f"{package.name}: there is no catalogue for {language!r}"
        for po in catalogues:
            for fault in faults_of_catalogue(po):
                yield f"{po.relative_to(ROOT)}: {fault}"
    if HAS_GETTEXT:
        yield from strings_not_collected(package)


def strings_not_collected(package: Path) -> Iterator[str]:
    """Collect the source's strings in a copy, and yield those that the catalogues lack."""
    locales = [word for language in LANGUAGES for word in ("--locale", language)]
    with tempfile.TemporaryDirectory(prefix="opskit-messages-") as folder:
        copy = Path(folder) / package.name
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run(
            [sys.executable, "-m", "django", "makemessages", *locales],
            check=True,
            cwd=copy,
            env={key: value for key, value in os.environ.items() if key[:6] != "DJANGO"},
            stdout=subprocess.DEVNULL,
        )
        for po in sorted(copy.glob("locale/*/LC_MESSAGES/*.po")):
            known = package / po.relative_to(copy)
            if known.exists():
                before = set(untranslated(read_catalogue(known)))
                for fault in untranslated(read_catalogue(po)):
                    if fault not in before:
                        yield f"{known.relative_to(ROOT)}: {fault}; `make messages` collects it"


def main() -> int:
    """Print each fault; return 1 if there is one."""
    packages = packages_with_catalogues()
    faults = [fault for package in packages for fault in faults_of_package(package)]
    print(*faults, sep="\n", end="\n" if faults else "")
    if not HAS_GETTEXT:
        print("gettext is not installed: no `msgfmt --check`, and no search for new strings.")
    names = ", ".join(package.name for package in packages) or "no package is translated yet"
    print(f"Catalogues: {len(faults)} fault(s) in {names}.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
