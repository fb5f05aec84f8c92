"""The quick start and the tutorial, carried out to the letter in an empty folder."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import Command, File, steps

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.mark.packaging
@pytest.mark.parametrize(
    "page",
    [
        "outbox-quick-start",
        "first-background-job",
        "health-quick-start",
        "job-automation-quick-start",
        "network-hc-quick-start",
        "system-ops-quick-start",
    ],
)
def test_page_does_what_it_says(page, wheel, tmp_path):
    environment = {
        # Nothing of ours but the wheel, which pip finds as it would find a release.
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "PIP_FIND_LINKS": f"{wheel.parent} {os.environ.get('PIP_FIND_LINKS', '')}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONUNBUFFERED": "1",
        # The crontab on a page is that of a machine as most servers are.
        "TZ": "UTC",
    }
    # One shell for the whole page, as its reader has one.
    shell_state = "export VIRTUAL_ENV_DISABLE_PROMPT=1\n"
    commands = 0
    for step in steps(DOCS / "tutorial" / f"{page}.md"):
        if isinstance(step, File):
            step.write(tmp_path)
            continue
        if step.text.startswith(". "):
            shell_state += f"{step.text}\n"
            continue
        done = subprocess.run(
            ["bash", "-c", f"{shell_state}{step.text}"],
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        assert done.returncode in (0, 137) if "kill" in step.text else done.returncode == 0, (
            f"$ {step.text}\n{done.stdout}"
        )
        assert step.is_matched_by(done.stdout), (
            f"$ {step.text}\nprinted:\n{done.stdout}\nand the page shows:\n{step.expected}"
        )
        commands += 1
    assert commands > 5


def test_dots_stand_for_anything():
    command = Command("x", "...\na ... c\nend\n...\n")

    assert command.is_matched_by("noise\nmore\na b c\nend\n")
    assert command.is_matched_by("a  c\nend\nlast\n")
    assert not command.is_matched_by("noise\na b d\nend\n")


def test_shown_output_has_to_come():
    assert not Command("x", "1 completed\n").is_matched_by("")
    assert Command("x", "").is_matched_by("anything")
