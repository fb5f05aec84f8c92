"""Building the wheel from a copy of the sources, so that nothing left in the checkout gets in."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# What a clone has and a build reads; the tests are there to prove that they stay out.
SOURCES = (
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "example_project",
    "pyproject.toml",
    "setup.cfg",
    "tests",
)
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.sqlite3*")


def our_packages() -> set[str]:
    """Return the names of the packages that this checkout has."""
    return {init.parent.name for init in ROOT.glob("django_*/__init__.py")}


def build_wheel(folder: Path) -> Path:
    """Build the wheel below `folder` and return its path."""
    copy = folder / "sources"
    copy.mkdir()
    for name in (*SOURCES, *our_packages()):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=LEFTOVERS)
        elif source.exists():
            shutil.copy(source, copy)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    built = subprocess.run(
        [*command, "--outdir", folder / "dist", copy],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert built.returncode == 0, built.stdout
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel
