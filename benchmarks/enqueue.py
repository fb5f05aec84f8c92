"""
Jobs stored: each in a transaction of its own, and ten thousand at once, on PostgreSQL.

CPU is that of the process that stores. Who has no way to store many at once (django.tasks,
celery) stores a tenth, one by one, and is counted ten times.
"""

from dataclasses import replace
from functools import partial

from benchmarks._lib import roster
from benchmarks._lib.conditions import tell_conditions
from benchmarks._lib.contenders import Driver
from benchmarks._lib.field import entered
from benchmarks._lib.options import parse
from benchmarks._lib.tables import markdown, number, ratio, typical

SINGLE = 2_000
BULK = 10_000

#: A measurement is cut in pieces that alternate, since the disk is not always equally quick.
PIECES = 5

OURS = replace(roster.outbox(), name="outbox")
RAW = replace(roster.raw_django(), name="raw Django cursor")
COPY = replace(roster.raw_psycopg(), name="raw psycopg (many: COPY)")
ONE_BY_ONE = (
    replace(roster.outbox_tasks(), name="outbox through django.tasks"),
    replace(roster.tasks_db(conn_max_age=600), name="django-tasks-db"),
    replace(roster.celery("redis"), name="celery, Redis"),
    replace(roster.celery("rabbitmq"), name="celery, RabbitMQ"),
)
CONTENDERS = (
    OURS,
    RAW,
    COPY,
    replace(roster.pgqueuer(), name="pgqueuer"),
    replace(roster.oban(), name="oban"),
    replace(roster.procrastinate(), name="procrastinate"),
    *ONE_BY_ONE,
)

#: Wall and CPU seconds.
Times = dict[str, float]


def single(driver: Driver, count: int) -> Times:
    """Store ``count`` jobs one by one; seconds per job."""
    driver.forget()
    driver.ask("enqueue", 20)
    times: Times = driver.ask("enqueue", count)
    return {name: seconds / count for name, seconds in times.items()}


def bulk(driver: Driver, count: int) -> Times:
    """Store ``count`` jobs at once; seconds for all."""
    driver.forget()
    driver.ask("bulk", 10)
    share = 10 if driver.contender in ONE_BY_ONE else 1
    times: Times = driver.ask("bulk", count // share)
    return {name: seconds * share for name, seconds in times.items()}


def medians(found: dict[str, list[Times]], clock: str) -> dict[str, float]:
    """Return everyone's median of the wall's or the process's clock."""
    return {name: typical([one[clock] for one in times]) for name, times in found.items()}


def singles_table(found: dict[str, list[Times]]) -> str:
    """Return rates, as shares of the raw loop's."""
    wall, cpu = medians(found, "wall"), medians(found, "cpu")
    base = wall.get(RAW.name, 0.0)
    rows = [
        [name, number(1 / wall[name]), ratio(base, wall[name]), number(cpu[name] * 1e6)]
        for name in found
    ]
    return markdown(["", "jobs/s", "of raw", "client µs/job"], rows)


def bulks_table(found: dict[str, list[Times]], count: int) -> str:
    """Return times, as multiples of COPY's."""
    wall, cpu = medians(found, "wall"), medians(found, "cpu")
    base = wall.get(COPY.name, 0.0)
    rows = [
        [name, number(wall[name], " s"), ratio(wall[name], base), number(cpu[name] / count * 1e6)]
        for name in found
    ]
    return markdown(["", "time", "times COPY", "client µs/job"], rows)


def main() -> None:
    """Measure and print."""
    options = parse(__doc__)
    one_piece, many = options.scaled(SINGLE // PIECES), options.scaled(BULK)
    with entered([one for one in CONTENDERS if options.wanted(one.name)]) as field:
        singles = field.rounds(options.rounds * PIECES, partial(single, count=one_piece))
        bulks = field.rounds(options.rounds, partial(bulk, count=many))
        print("\n### Enqueue, each job in a transaction of its own\n")
        print(singles_table(singles))
        print(f"\n### Enqueue, {many:,} jobs at once\n")
        print(bulks_table(bulks, many))
        field.tell_missing()
        tell_conditions(field.drivers)


if __name__ == "__main__":
    main()
