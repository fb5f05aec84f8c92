"""A site as a newcomer has it: its own environment, its own project, one of our apps."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# What could lead the site's processes back into this checkout, its settings or its coverage.
OURS = re.compile(r"COVERAGE_|DJANGO_|OPSKIT_|PYTEST_|PYTHON|VIRTUAL_ENV|MAKE|MFLAGS")
SETTINGS_LIST = "INSTALLED_APPS = ["


class Site:
    """A Django project in `folder`, run by the Python of an environment beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "mysite"
        self.python = folder / "env" / "bin" / "python"
        self.env = {key: value for key, value in os.environ.items() if not OURS.match(key)}

    def install(self, requirement: str) -> None:
        """Make the environment, with `requirement` and nothing else of this checkout's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run([sys.executable, "-m", "venv", "env"])
        pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        self.run([*pip, requirement])

    def start_project(self) -> None:
        """Make the project, with one app of the site's own."""
        self.run([self.python.with_name("django-admin"), "startproject", "mysite"])
        self.manage("startapp", "shop")
        self.add_app("shop")

    def add_app(self, name: str) -> None:
        """Add one line to INSTALLED_APPS."""
        settings = self.project / "mysite" / "settings.py"
        text = settings.read_text()
        assert text.count(SETTINGS_LIST) == 1
        settings.write_text(text.replace(SETTINGS_LIST, f"{SETTINGS_LIST}\n    {name!r},"))

    def manage(self, *args: str) -> str:
        """Run `manage.py`, warnings shown, and return what it printed."""
        return self.run([self.python, "manage.py", *args], cwd=self.project)

    def run(self, command: Sequence[object], cwd: Path | None = None) -> str:
        """Run a program to its good end and return its output, errors included."""
        ended = subprocess.run(
            [str(word) for word in command],
            check=False,
            cwd=cwd or self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        line = " ".join(map(str, command))
        assert ended.returncode == 0, f"{line} ended with {ended.returncode}:\n{ended.stdout}"
        return ended.stdout
