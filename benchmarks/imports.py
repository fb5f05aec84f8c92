"""
What an import costs: ours, which checks every value, beside django-import-export in bulk mode.

CPU is that of the process that imports, without its start; the server's is in neither. Each run is
a process of its own, whose peak of memory is its own, and begins with an empty table.
"""

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from benchmarks._lib.peers import IMPORT_EXPORT
from benchmarks._lib.tables import markdown, number, ratio
from benchmarks.backups import connect
from tests.services import POSTGRESQL

ROOT = Path(__file__).resolve().parent.parent
NAME = f"opskit_bench_{os.getpid()}_imports"
ROWS = 200_000
NAMES = {"theirs": "django-import-export, bulk", "ours": "import_knowledge, strict"}


def write_rows(path: Path, count: int) -> None:
    """Write a csv of articles, each with some two hundred characters of text."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("slug,title,content,category,language,rating,price,published_at\r\n")
        for n in range(count):
            text = f"The answer to question {n * 7919 % 104729} is in our page, año {n % 90}. " * 3
            file.write(
                f'article-{n},Title of article {n},"{text}",category-{n % 40},'
                f"{'en' if n % 3 else 'es'},{n % 100},{n % 5000 / 7:.2f},"
                f"2026-{1 + n % 12:02}-{1 + n % 28:02} {n % 24:02}:{n % 60:02}:00\r\n"
            )


def measure(which: str, path: Path) -> dict[str, float]:
    """Return what an import cost, in a process of its own."""
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": NAME,
        "HOST": POSTGRESQL.host,
        "PORT": POSTGRESQL.port,
        "USER": POSTGRESQL.setting("USER", "postgres"),
        "PASSWORD": POSTGRESQL.setting("PASSWORD", ""),
    }
    python = str(IMPORT_EXPORT.python()) if which == "theirs" else sys.executable
    program = "benchmarks.programs.import_site.contenders"

    def run(step: str, interpreter: str) -> dict[str, float]:
        done = subprocess.run(
            [interpreter, "-m", program, step, str(path), json.dumps(database)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return measured

    run("tables", sys.executable)
    return run(which, python)


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the file")
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many counts")
    parser.add_argument("--quick", action="store_true", help="a small file, once")
    options = parser.parse_args()
    rows, rounds = (20_000, 1) if options.quick else (options.rows, options.rounds)
    connect("postgres", f"CREATE DATABASE {NAME}")
    found: dict[tuple[str, int], dict[str, float]] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for count in (rows // 4, rows):
                path = Path(folder, f"{count}.csv")
                write_rows(path, count)
                for which in NAMES:
                    some = (measure(which, path) for _ in range(rounds))
                    found[which, count] = min(some, key=lambda one: one["cpu"])
    finally:
        connect("postgres", f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    table = [
        [
            NAMES[which],
            f"{count:,}",
            number(one["cpu"] / count * 1e6, " µs"),
            number(one["peak"] / 1e6, " MB"),
        ]
        for (which, count), one in found.items()
    ]
    print("\n### Import of a csv into PostgreSQL\n")
    print(markdown(["", "rows", "CPU per row", "memory at most"], table))
    theirs, ours = (found[which, rows]["cpu"] for which in NAMES)
    print(f"\nCPU, theirs by ours: {ratio(theirs, ours)}")


if __name__ == "__main__":
    main()
