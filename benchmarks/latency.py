"""
From the call that stores a job to the begin of its handler, with one idle worker.

Before each job there is a pause of a random length, so that the worker is idle again and no
rhythm of ours meets one of its own.
"""

import time
from dataclasses import replace

from benchmarks._lib import roster
from benchmarks._lib.conditions import tell_conditions
from benchmarks._lib.contenders import Driver
from benchmarks._lib.field import entered
from benchmarks._lib.options import Options, parse
from benchmarks._lib.tables import markdown, number, percentile

NAMES = roster.SERVER_NAMES
SAMPLES = 120
#: Those that look every second or less often would take minutes.
SLOW_SAMPLES = 20

CONTENDERS = (
    *(replace(roster.outbox(server=key), name=f"outbox, {name}") for key, name in NAMES.items()),
    roster.raw_psycopg(listen=True),
    roster.pgqueuer(),
    roster.oban(),
    roster.procrastinate(),
    roster.celery("redis"),
    roster.celery("rabbitmq"),
    SLOW := roster.tasks_db(conn_max_age=600),
)


def latency(driver: Driver, options: Options) -> list[float]:
    """Return milliseconds."""
    driver.forget()
    with driver.work():
        driver.ask("fill", 1, 0.0)
        driver.wait_for(1)
        time.sleep(1.0)
        count = SLOW_SAMPLES if driver.contender == SLOW else options.scaled(SAMPLES, least=20)
        found: list[float] = driver.ask("latency", count)
        return found


def main() -> None:
    """Measure and print."""
    options = parse(__doc__, rounds=2)
    with entered([one for one in CONTENDERS if options.wanted(one.name)]) as field:
        found = field.rounds(options.rounds, lambda driver: latency(driver, options))
        rows = []
        for name, parts in found.items():
            samples = [one for part in parts for one in part]
            middle, high = percentile(samples, 50), percentile(samples, 99)
            rows.append(
                [name, number(middle), number(high), number(max(samples)), str(len(samples))]
            )
        print("\n### Idle latency, enqueue to handler, milliseconds\n")
        print(markdown(["", "p50", "p99", "max", "samples"], rows))
        field.tell_missing()
        tell_conditions(field.drivers)


if __name__ == "__main__":
    main()
