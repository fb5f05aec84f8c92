"""Run tox on every interpreter that works here, and say at the end which ones were missing."""

import os
import re
import subprocess
import sys

from scripts.programs import ROOT, run_shown, say

# One line of tox's closing report, such as "  py314-dj61: SKIP (0.01 seconds)".
SKIPPED = re.compile(r"py3(\d+)-(\S+): SKIP\b")


def interpreters() -> str:
    """Return the folders of the working interpreters, as a PATH."""
    finder = [str(ROOT / "scripts" / "find-python.sh"), "--all"]
    found = subprocess.run(finder, check=True, capture_output=True, text=True)
    return os.pathsep.join(found.stdout.split())


def main(tox_args: list[str]) -> int:
    """Run tox and return its status."""
    env = {**os.environ, "PATH": os.pathsep.join([interpreters(), os.environ["PATH"]])}
    # These name the environment that make runs in, and tox has environments of its own.
    for name in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"):
        env.pop(name, None)
    command = [sys.executable, "-m", "tox", "run", *tox_args]
    missing = []

    def note_missing(line: str) -> None:
        if skipped := SKIPPED.match(line):
            missing.append(f"Python 3.{skipped[1]} ({skipped[0].split(':')[0]})")

    status = run_shown(command, env=env, listener=note_missing)
    if missing:
        say(f"Not found and so not run: {', '.join(missing)}.")
    else:
        say("Every interpreter of the matrix was found.")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
