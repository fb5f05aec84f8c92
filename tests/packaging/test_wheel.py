"""What the wheel holds and asks for: what `pip install django-opskit` brings to a site."""

import email.message
import email.parser
import re
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.packaging.building import ROOT, our_packages

pytestmark = pytest.mark.packaging

HARD_DEPENDENCIES = {"django", "pydantic", "rich"}
EXTRAS = {
    "outbox",
    "health-check-job",
    "job-automation",
    "network-hc",
    "system-ops",
    "api",
    "tasks",
    "postgres",
    "mysql",
    "redis",
    "celery",
    "metrics",
    "all",
    "dev",
}
# Files that are no modules and that a site needs all the same.
DATA = (
    *("py.typed", "locale/**/*.po", "locale/**/*.mo", "templates/**/*", "static/**/*"),
    "**/lexicons/*.txt",
)


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The paths of all files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def wheel_metadata(wheel: Path) -> email.message.Message:
    """The wheel's METADATA file (core metadata are e-mail headers)."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.parser.BytesParser().parsebytes(archive.read(name))


def test_top_level_holds_our_packages_and_nothing_else(names):
    top_level = {name.split("/")[0] for name in names if ".dist-info/" not in name}

    assert top_level == our_packages()


def test_every_module_of_a_package_is_inside(names):
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in our_packages()
        for path in (ROOT / package).rglob("*.py")
    }

    assert modules <= names


def test_every_data_file_of_a_package_is_inside(names):
    files = {
        path.relative_to(ROOT).as_posix()
        for package in our_packages()
        for pattern in DATA
        for path in (ROOT / package).glob(pattern)
        if path.is_file()
    }

    assert {f"{package}/py.typed" for package in our_packages()} <= files
    assert files <= names


def test_no_test_benchmark_or_example_is_inside(names):
    parts = {part for name in names for part in PurePosixPath(name).parts}

    assert not parts & {"tests", "benchmarks", "example_project", "timetracker", "config"}


def test_licence_is_inside(names):
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_hard_dependencies_are_three(wheel_metadata):
    requirements = wheel_metadata.get_all("Requires-Dist", [])

    hard = {project_name(line) for line in requirements if "extra ==" not in line}

    assert hard == HARD_DEPENDENCIES


def test_extras_are_those_that_the_documentation_names(wheel_metadata):
    assert set(wheel_metadata.get_all("Provides-Extra", [])) == EXTRAS


def test_extra_all_leaves_out_what_needs_a_compiler(wheel_metadata):
    requirements = wheel_metadata.get_all("Requires-Dist", [])

    of_all = [line for line in requirements if re.search(r"""extra == ['"]all['"]""", line)]
    chosen = {extra for line in of_all for extra in re.findall(r"[\w-]+(?=[,\]])", line)}

    assert chosen == EXTRAS - {"all", "dev", "mysql"}


def project_name(requirement: str) -> str:
    """Return the normalised name of the project that a requirement asks for."""
    return re.split(r"[^\w.-]", requirement)[0].lower()
