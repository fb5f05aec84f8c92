"""
What a backup of a PostgreSQL database costs: our whole pipeline beside pg_dump's own compression.

CPU is that of the processes that make the backup, children included: pg_dump's own is in both. The
server's is in neither. Each of the two runs in a process of its own, whose peak of memory is its
own.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from benchmarks._lib.tables import markdown, number, ratio
from tests.services import POSTGRESQL

ROOT = Path(__file__).resolve().parent.parent
NAME = f"opskit_bench_{os.getpid()}_backups"
MEGABYTES = 400
# Rows of words that come again and again, of numbers, and of something random in each. The more
# random a database is, the less there is to gain; sentences that are all alike suit gzip too.
WORDS = (
    "the of and to in was for on that with order customer invoice payment delivery please thank you"
    " received returned message question answer account password address number date morning today"
    " tomorrow broken missing late early wrong right again always never still open closed waiting"
    " colleague manager warehouse parcel refund price offer contract meeting report"
)
PRIMES = (7919, 104729, 1299709, 15485863, 32452843, 49979687, 67867967, 86028121, 104395301)
BODY = " || ' ' || ".join(
    f"(w.words)[1 + ((i * {prime}) >> {4 + place % 5}) % {len(WORDS.split())}]"
    for place, prime in enumerate(PRIMES * 3)
)
FILL = f"""
    CREATE TABLE entry (id bigint PRIMARY KEY, at timestamptz, kind text, body text, data jsonb);
    INSERT INTO entry SELECT i, timestamptz '2026-01-01' + i * interval '7 seconds',
      (ARRAY['mail', 'chat', 'invoice', 'visit'])[1 + i % 4], {BODY},
      jsonb_build_object('user', (i * 104729) % 50021, 'amount', (i * 3571 % 99991) / 100.0,
        'token', left(md5(i::text), 12))
    FROM generate_series(1::bigint, ROWS) i, (SELECT string_to_array('{WORDS}', ' ') AS words) w
"""


def connect(database: str, sql: str) -> str:
    """Run a statement, and return the first value of what it gives."""
    import psycopg

    user, password = POSTGRESQL.setting("USER", "postgres"), POSTGRESQL.setting("PASSWORD", "")
    place = {"host": POSTGRESQL.host, "port": POSTGRESQL.port, "user": user, "password": password}
    with psycopg.connect(**place, dbname=database, autocommit=True) as connection:  # type: ignore[arg-type]  # psycopg's own keywords
        cursor = connection.execute(sql.encode())
        return str(cursor.fetchone()[0]) if cursor.description else ""  # type: ignore[index]  # one row


def ours(folder: Path) -> None:
    """Make a backup as the command does, and tell what it cost."""
    import django
    from django.conf import settings

    # A site with nothing else in it: its memory would be counted as ours.
    user, password = POSTGRESQL.setting("USER", "postgres"), POSTGRESQL.setting("PASSWORD", "")
    place = {"HOST": POSTGRESQL.host, "PORT": POSTGRESQL.port, "USER": user, "PASSWORD": password}
    name = os.environ["OPSKIT_DB_NAME"]
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": name, **place}},
        INSTALLED_APPS=["django_system_ops"],
        USE_TZ=True,
    )
    django.setup()
    from django.utils import timezone

    from django_system_ops.sealing import new_key
    from django_system_ops.services.backups.directory import BackupDirectory
    from django_system_ops.services.backups.making import Order, make_backup

    directory = BackupDirectory.opened(folder / "backups", create=True)
    before = cpu_seconds()
    made = make_backup(directory, Order("database", "default"), key=new_key(), now=timezone.now())
    tell(cpu_seconds() - before, made.stored_bytes)


def theirs(folder: Path) -> None:
    """Make a dump with pg_dump's own compression, and tell what it cost."""
    path = folder / "dump"
    place = [f"--host={POSTGRESQL.host}", f"--port={POSTGRESQL.port}"]
    user = f"--username={POSTGRESQL.setting('USER', 'postgres')}"
    environment = {**os.environ, "PGPASSWORD": POSTGRESQL.setting("PASSWORD", "")}
    command = ["pg_dump", "-Fc", *place, user, f"--file={path}", os.environ["OPSKIT_DB_NAME"]]
    before = cpu_seconds()
    subprocess.run(command, check=True, env=environment)
    tell(cpu_seconds() - before, path.stat().st_size)


def cpu_seconds() -> float:
    """Return the CPU of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def tell(seconds: float, size: int) -> None:
    """Print what was measured, for the process that asked."""
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    print(json.dumps({"cpu": seconds, "bytes": size, "peak": peak}))


def measure(which: str) -> dict[str, float]:
    """Return what a backup cost, in a process of its own."""
    environment = {
        **os.environ,
        "OPSKIT_DB_NAME": NAME,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'example_project'}",
    }
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.backups", "--run", which, folder]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="of the database")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--quick", action="store_true", help="a small database, once")
    parser.add_argument("--run", nargs=2, metavar=("WHICH", "DIR"), help="used by this script")
    options = parser.parse_args()
    if options.run:
        {"ours": ours, "theirs": theirs}[options.run[0]](Path(options.run[1]))
        return
    megabytes, rounds = (20, 1) if options.quick else (options.megabytes, options.rounds)
    connect("postgres", f"CREATE DATABASE {NAME}")
    try:
        for statement in FILL.replace("ROWS", str(megabytes * 2600)).split(";\n"):
            connect(NAME, statement)
        size = int(connect(NAME, "SELECT pg_database_size(current_database())"))
        found = {
            which: min((measure(which) for _ in range(rounds)), key=lambda one: one["cpu"])
            for which in ("theirs", "ours")
        }
    finally:
        connect("postgres", f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    names = {"theirs": "pg_dump -Fc", "ours": "backup_data"}
    rows = [
        [
            names[which],
            number(one["cpu"], " s"),
            number(one["bytes"] / 1e6, " MB"),
            number(one["peak"] / 1e6, " MB") if which == "ours" else "",
        ]
        for which, one in found.items()
    ]
    print(f"\n### Backup of a PostgreSQL database of {size / 1e6:.0f} MB, encrypted\n")
    print(markdown(["", "CPU", "stored", "our memory at most"], rows))
    print(f"\nCPU, ours by theirs: {ratio(found['ours']['cpu'], found['theirs']['cpu'])}")


if __name__ == "__main__":
    main()
