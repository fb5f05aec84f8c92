"""
What a claim costs beside a million pending jobs, ten million finished ones, an old transaction.

A worker claims 50 jobs at a time from a table on PostgreSQL that holds nothing else, then from
one with a backlog, and so on. The old transaction is a REPEATABLE READ one that has read
something: as long as it is open, no dead row can be removed, and each claim leaves 50 of them at
the head of its index. The claims' commits do not wait for the disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from benchmarks._lib import roster
from benchmarks._lib.conditions import tell_conditions
from benchmarks._lib.contenders import Driver
from benchmarks._lib.field import entered, say
from benchmarks._lib.options import parse
from benchmarks._lib.tables import markdown, number, percentile, ratio, typical

BATCH = 50
CLAIMS = 400
#: Enough that the last claims are full.
JOBS = (CLAIMS + 20) * BATCH
PENDING = 1_000_000
FINISHED = 10_000_000


def claims(driver: Driver, pending: int = JOBS) -> list[float]:
    """Return the milliseconds of claims from ``pending`` more jobs; the first ones warm up."""
    driver.ask("fill", pending, 0.0)
    found: dict[str, Any] = driver.ask("measure_claims", CLAIMS)
    milliseconds: list[float] = found["claims"]
    return milliseconds[10:]


@contextmanager
def old_transaction(driver: Driver) -> Iterator[None]:
    """Hold back the removal of dead rows."""
    with psycopg.connect(driver.conninfo) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT COUNT(*) FROM outbox_job")
        yield


def measure(driver: Driver, pending: int, finished: int) -> dict[str, list[float]]:
    """Return the claims' milliseconds in each situation."""
    found = {"nothing else": alone(driver)}
    say("an old transaction")
    driver.forget()
    with old_transaction(driver):
        pinned = claims(driver)
    # What it costs grows with what was claimed since it began.
    found[f"an old transaction and {JOBS // 2:,} claimed jobs"] = pinned[CLAIMS // 2 :][:50]
    found[f"an old transaction and {JOBS:,} claimed jobs"] = pinned[-50:]
    found["nothing else"] += alone(driver)
    say(f"{pending:,} pending jobs")
    driver.forget()
    driver.ask("fill", pending, 0.0)
    found[f"{pending:,} pending jobs"] = claims(driver, 1)
    found["nothing else"] += alone(driver)
    say(f"{finished:,} finished jobs")
    driver.forget()
    driver.ask("insert_finished", finished)
    found[f"{finished:,} finished jobs"] = claims(driver)
    found["nothing else"] += alone(driver)
    return found


def alone(driver: Driver) -> list[float]:
    """Return the milliseconds of claims in a table that holds nothing else; in between, too."""
    say("nothing else")
    driver.forget()
    return claims(driver)


def main() -> None:
    """Measure and print."""
    options = parse(__doc__, rounds=1)
    share = 20 if options.quick else 1
    pending, finished = PENDING // share, FINISHED // share
    with entered([roster.outbox(BATCH)]) as field:
        for driver in field.drivers:
            found = measure(driver, pending, finished)
            base = typical(found["nothing else"])
            rows = [
                [
                    name,
                    number(typical(some)),
                    number(percentile(some, 95)),
                    ratio(typical(some), base),
                ]
                for name, some in found.items()
            ]
            print(f"\n### Claim of {BATCH} jobs on PostgreSQL, milliseconds\n")
            print(markdown(["beside", "p50", "p95", "of nothing else"], rows))
        field.tell_missing()
        tell_conditions(field.drivers)


if __name__ == "__main__":
    main()
