"""No-op jobs drained by one worker process on SQLite (WAL) and MariaDB, beside their raw loops."""

from benchmarks._lib import roster
from benchmarks._lib.conditions import tell_conditions
from benchmarks._lib.draining import drain_all, drain_table
from benchmarks._lib.field import entered
from benchmarks._lib.options import parse

SERVERS = ("sqlite", "mysql")


def main() -> None:
    """Measure and print."""
    options = parse(__doc__)
    for server in SERVERS:
        ours, raw = roster.outbox(50, server=server), roster.raw_django(50, server=server)
        others = (roster.outbox(100, server=server), roster.outbox(500, server=server))
        with entered([one for one in (ours, *others, raw) if options.wanted(one.name)]) as field:
            found = drain_all(field, options)
            print(f"\n### Drain: one worker process on {roster.SERVER_NAMES[server]}\n")
            print(drain_table(found, ours=ours.name, raw=raw.name))
            field.tell_missing()
            tell_conditions(field.drivers)


if __name__ == "__main__":
    main()
