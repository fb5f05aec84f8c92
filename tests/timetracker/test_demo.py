"""The demo as people start it: in a process of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from tests.processes import ROOT, read_until

# It brings its own SQLite file, whichever database the suite runs on.
pytestmark = [pytest.mark.sqlite, pytest.mark.processes]

DEMO = ROOT / "example_project" / "demo.py"


@pytest.fixture
def database(tmp_path):
    return tmp_path / "demo.sqlite3"


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The data of a demo that has been run, for copies."""
    folder = tmp_path_factory.mktemp("demo")
    demo = [sys.executable, DEMO, "--no-serve", "--database", folder / "demo.sqlite3"]
    subprocess.run(demo, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture
def run_before(shown, tmp_path):
    """Begin with the data of a demo that has been run."""
    shutil.copytree(shown, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def start(database):
    """Start the demo; whatever is left of it and of what it started is killed after the test."""
    started = []

    def _start(*args: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, DEMO, "--database", database, *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
    # The site outlives a demo that is killed, in a session of its own, and keeps its output open.
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.environ().get("DJANGO_DB_PATH") == str(database):
                one.kill()
    for process in started:
        process.communicate()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def wait_until(condition, seconds: float = 300) -> None:
    """Poll: the moment at which another process is ready cannot be asked for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the demo did not get there in time"
        time.sleep(0.1)


def test_one_pass_tells_what_happened_and_where_to_look(start, database, port):
    process = start("--no-serve", "--port", port)

    out, err = process.communicate(timeout=300)

    assert process.returncode == 0, err
    for words in (
        "1 added, 5 updated",
        "jobs done: 3",
        "no issues",
        "plants made: 9",
        "4 found, 4 new orders",
        "chats made: 120",
        "negative",
        "files written: 4",
        "monitor --once",
        "5 UP",
        "/status/",
        "test@example.com",
        "testpass123",
        "/admin/",
    ):
        assert words in out
    assert database.exists()


@pytest.mark.usefixtures("run_before")
def test_demo_may_be_run_again(start):
    again = start("--no-serve")

    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert "rows created: 0" in out
    assert "4 found, 0 new orders" in out
    assert "nothing new was said" in out


@pytest.mark.usefixtures("run_before")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_site_and_worker_and_is_a_good_end(start, port, signum):
    process = start("--port", port)
    read_until(process, "Worker")
    wait_until(lambda: answers(port))

    process.send_signal(signum)

    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "Worker stopped" in out
    assert not answers(port)


def test_taken_port_is_told_before_anything_is_done(start, port, database):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        process = start("--port", port)
        _, err = process.communicate(timeout=300)

    assert process.returncode == 1
    assert f"Port {port} is taken." in err
    assert not database.exists()


@pytest.mark.usefixtures("run_before")
def test_death_of_the_worker_ends_the_site_and_is_told(start, port):
    process = start("--port", port)
    line = read_until(process, "Worker").splitlines()[-1]
    wait_until(lambda: answers(port))

    # Workers are called host:process:number.
    os.kill(int(line.split(":")[1]), signal.SIGKILL)

    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "worker_run ended by itself with status -9." in err
    assert not answers(port)
