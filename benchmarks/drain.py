"""
No-op jobs drained by one worker process, and by two, on PostgreSQL and two brokers.

The servers' CPU time is that of their whole process tree: on a machine that does something else
at the same time, it is too much.
"""

from benchmarks._lib import roster
from benchmarks._lib.conditions import tell_conditions
from benchmarks._lib.draining import drain_all, drain_table, median_rate
from benchmarks._lib.field import entered
from benchmarks._lib.options import parse
from benchmarks._lib.tables import ratio

OURS = roster.outbox(50)
TASKS = roster.outbox_tasks(50)
RAW = roster.raw_django(50)

BY_TWO = (
    OURS,
    roster.outbox(500),
    RAW,
    roster.pgqueuer(100),
    roster.oban(),
    roster.celery("redis"),
    roster.celery("rabbitmq"),
    roster.procrastinate(),
)
CONTENDERS = (
    *BY_TWO,
    TASKS,
    roster.outbox(100),
    roster.raw_django(500),
    roster.raw_psycopg(50),
    roster.pgqueuer(10),
    roster.tasks_db(),
    roster.tasks_db(conn_max_age=600),
)


def main() -> None:
    """Measure and print."""
    options = parse(__doc__)
    with entered([one for one in CONTENDERS if options.wanted(one.name)]) as field:
        one = drain_all(field, options, workers=1)
        two = drain_all(field.only(BY_TWO), options, workers=2)
        print("\n### Drain: one worker process\n")
        print(drain_table(one, ours=OURS.name, raw=RAW.name))
        print("\n### Drain: two worker processes\n")
        print(drain_table(two, ours=OURS.name, raw=RAW.name))
        scaling = ratio(median_rate(two, OURS.name), median_rate(one, OURS.name))
        tasks = ratio(median_rate(one, TASKS.name), median_rate(one, OURS.name))
        print(f"\nOurs: two workers do {scaling} the jobs of one; through django.tasks {tasks}.")
        field.tell_missing()
        tell_conditions(field.drivers)


if __name__ == "__main__":
    main()
