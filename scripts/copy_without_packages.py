"""
Copy the project without its packages: `copy_without_packages.py TARGET`.

Tests that run in TARGET import the installed packages, because there are no others.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("docs", "example_project", "scripts", "tests", "setup.cfg", "README.md", "CHANGELOG.md")
NOT_OURS = shutil.ignore_patterns("__pycache__", "_build", "*.sqlite3*")


def main(target: Path) -> None:
    """Copy the parts, over nothing that an earlier run left."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=NOT_OURS)
        elif source.exists():
            shutil.copy(source, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
