"""
Start the servers that the tests like to have: those installed here that do not answer yet.

What cannot be started that way comes from compose.yaml, where Docker works. Nothing that answers
already is touched, and a server on another host is its owner's business.
"""

import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from tests.services import MARIADB, NATS, POSTGRESQL, RABBITMQ, REDIS, SERVICES, Service

PATIENCE_SECONDS = 60
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def postgresql(service: Service) -> list[str]:
    """Return how Debian starts the cluster that has the service's port."""
    if not shutil.which("pg_lsclusters"):
        return []
    listing = subprocess.run(["pg_lsclusters", "-h"], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        version, cluster, port, *_ = line.split()
        if int(port) == service.port:
            return ["pg_ctlcluster", version, cluster, "start"]
    return []


def mariadb(service: Service) -> list[str]:
    """Return how the installed MariaDB is started, as its own user: it refuses root."""
    return ["mariadbd-safe", "--user=mysql"] if is_installed("mariadbd-safe", service) else []


def redis(service: Service) -> list[str]:
    """Return how Redis is started without a file of its own."""
    if not shutil.which("redis-server"):
        return []
    address = ["--bind", service.host, "--port", str(service.port)]
    return ["redis-server", *address, "--save", "", "--appendonly", "no"]


def rabbitmq(service: Service) -> list[str]:
    """Return how the installed RabbitMQ is started."""
    return ["rabbitmq-server"] if is_installed("rabbitmq-server", service) else []


def nats(service: Service) -> list[str]:
    """Return how NATS is started, with JetStream in a folder of its own."""
    if not shutil.which("nats-server"):
        return []
    store = tempfile.mkdtemp(prefix="opskit-nats-")
    address = ["--addr", service.host, "--port", str(service.port)]
    return ["nats-server", *address, "--jetstream", "--store_dir", store]


def is_installed(program: str, service: Service) -> bool:
    """Say whether `program` is here and meant: its port stands in a configuration of its own."""
    return shutil.which(program) is not None and service.port == service.default_port


STARTERS: dict[Service, Callable[[Service], list[str]]] = {
    POSTGRESQL: postgresql,
    MARIADB: mariadb,
    REDIS: redis,
    RABBITMQ: rabbitmq,
    NATS: nats,
}


def start(service: Service, command: Sequence[str]) -> None:
    """Start a server that outlives this program."""
    print(f"{service.name}: {shlex.join(command)}", flush=True)
    subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def compose_up(services: Sequence[Service]) -> bool:
    """Start `services` with Docker, and say whether that worked."""
    compose = ["docker", "compose"]
    if not shutil.which("docker"):
        return False
    # Docker without its compose plug-in takes the word for a command that it does not know.
    if subprocess.run([*compose, "version"], check=False, capture_output=True).returncode:
        return False
    names = [service.name.lower() for service in services]
    return subprocess.run([*compose, "up", "--detach", *names], check=False).returncode == 0


def wait_for(services: Sequence[Service]) -> None:
    """Wait until each service answers, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not all(service.answers() for service in services):
        time.sleep(0.5)


def main() -> int:
    """Start what is missing; return 1 if something is still missing then."""
    silent = [service for service in SERVICES if not service.answers()]
    awaited: list[Service] = []
    absent: list[Service] = []
    for service in silent:
        command = STARTERS[service](service) if service.host in LOOPBACK else []
        if command:
            start(service, command)
        (awaited if command else absent).append(service)
    if absent and compose_up(absent):
        awaited += absent
    elif absent:
        names = ", ".join(service.name for service in absent)
        print(f"Cannot be started from here: {names}. `docker compose up -d` may bring them.")
    wait_for(awaited)
    answers = {service: service.answers() for service in SERVICES}
    for service, is_there in answers.items():
        word = "answers" if is_there else "does not answer"
        print(f"{service.name:<12}{word} at {service.address}")
    return 0 if all(answers.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
