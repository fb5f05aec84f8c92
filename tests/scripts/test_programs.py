"""What make's scripts run, shown as it comes."""

import os
import signal
import sys
import threading

from scripts import programs
from scripts.programs import run_shown

LEAVES_ONE_BEHIND = """
import subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("\\x1b[32mleft\\x1b[0m", left.pid, flush=True)
raise SystemExit(3)
"""


def test_what_it_says_is_shown_and_told_and_its_status_returned(capsys):
    heard = []

    status = run_shown(
        [sys.executable, "-c", "print(1); print('two'); raise SystemExit(3)"],
        env=os.environ,
        listener=heard.append,
    )

    assert (status, heard) == (3, ["1", "two"])
    assert capsys.readouterr().out == "1\ntwo\n"


def test_what_a_program_leaves_running_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(programs, "_SECONDS_TO_READ_THE_REST", 0.1)
    heard = []

    status = run_shown(
        [sys.executable, "-c", LEAVES_ONE_BEHIND], env=os.environ, listener=heard.append
    )

    word, number = heard[0].split()
    os.kill(int(number), signal.SIGKILL)  # and so it was there still
    for thread in threading.enumerate():
        if thread.name == "relay":
            thread.join(60)
    assert (status, word) == (3, "left")
