"""Running a program for the length of its life, with its output shown as it comes."""

import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SECONDS_TO_READ_THE_REST = 10


def run_shown(
    command: Sequence[str], *, env: Mapping[str, str], listener: Callable[[str], object]
) -> int:
    """
    Run `command` at the root, print what it says, and return its status.

    `listener` gets each line without colours. What the program leaves running keeps its output
    open, and is not waited for.
    """
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    def relay() -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                say(line, end="")
                listener(_COLOUR.sub("", line).strip())

    reader = threading.Thread(target=relay, name="relay", daemon=True)
    reader.start()
    try:
        status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    reader.join(_SECONDS_TO_READ_THE_REST)
    return status


def say(text: str, end: str = "\n") -> None:
    """Print at once: the output of the programs that we start comes between our lines."""
    print(text, end=end, flush=True)
