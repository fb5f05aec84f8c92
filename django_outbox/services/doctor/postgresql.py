"""PostgreSQL: what keeps dead rows from being removed, and poolers that lose sessions."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections

from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob
from django_outbox.services.doctor.finding import Finding

__all__ = ["check_server"]

_TABLE = OutboxJob._meta.db_table
# The settings that the migrations give the table; without them a claim meets dead rows first.
_TUNED_BY = "autovacuum_vacuum_scale_factor"
_MOST_DEAD_ROWS = 50_000
_MOST_DEAD_SHARE = 0.2
_BLOATED_BYTES = 100 * 1024**2
_BYTES_PER_ROW = 8192

_TRANSACTIONS = """
SELECT pid, state, EXTRACT(epoch FROM clock_timestamp() - xact_start)::int, application_name
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
  AND xact_start < clock_timestamp() - make_interval(secs => %s)
ORDER BY xact_start LIMIT 5
"""
_PREPARED = """
SELECT gid, EXTRACT(epoch FROM clock_timestamp() - prepared)::int FROM pg_prepared_xacts
WHERE database = current_database() AND prepared < clock_timestamp() - make_interval(secs => %s)
ORDER BY prepared LIMIT 5
"""
# Only "xmin" holds back the rows of a table; "catalog_xmin" those of the catalogue.
_SLOTS = """
SELECT slot_name, age(xmin) FROM pg_replication_slots
WHERE xmin IS NOT NULL AND (NOT active OR age(xmin) > 1000000)
"""
_DEAD_ROWS = """
SELECT n_dead_tup, n_live_tup, COALESCE(last_autovacuum::text, 'never'),
       pg_relation_size(relid)
FROM pg_stat_user_tables WHERE relid = to_regclass(%s)
"""


def check_server(using: str, old_seconds: float) -> list[Finding]:
    """Look at autovacuum, at the transactions that hold it up, and at the way to the server."""
    return [
        *_autovacuum(using),
        *_horizon(using, old_seconds),
        *_dead_rows(using),
        *_pooler(using),
    ]


def _rows(using: str, sql: str, parameters: Sequence[str | float] = ()) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _autovacuum(using: str) -> Iterator[Finding]:
    for name in ("autovacuum", "track_counts"):
        ((value,),) = _rows(using, f"SHOW {name}")
        if value == "off":
            yield Finding(
                "autovacuum",
                f"The server runs with {name} = off: dead rows pile up in front of the jobs that "
                f"are due. Set {name} = on in postgresql.conf and reload.",
            )
    sql = "SELECT reloptions FROM pg_class WHERE oid = to_regclass(%s)"
    ((options,),) = _rows(using, sql, [_TABLE])
    chosen = dict(option.split("=", 1) for option in options or ())
    if chosen.get("autovacuum_enabled", "true").lower() in ("false", "off", "no", "0"):
        yield Finding(
            "autovacuum",
            f"Autovacuum is off for table {_TABLE!r}: run "
            f"ALTER TABLE {_TABLE} RESET (autovacuum_enabled).",
        )
    if _TUNED_BY not in chosen:
        yield Finding(
            "autovacuum",
            f"Table {_TABLE!r} has lost the autovacuum settings of its migrations, and waits for "
            f"a fifth of it to be dead: run ALTER TABLE {_TABLE} SET ({_TUNED_BY} = 0.01, "
            "autovacuum_vacuum_threshold = 1000).",
        )


def _horizon(using: str, old_seconds: float) -> Iterator[Finding]:
    for pid, state, age_s, name in _rows(using, _TRANSACTIONS, [old_seconds]):
        yield Finding(
            "transaction",
            f"A transaction is open for {age_s} s (pid {pid}, {state or 'state unknown'}, "
            f"application {name or 'unnamed'!r}): until it ends no dead row can be removed, and "
            f"claims grow slower. End it, or SELECT pg_terminate_backend({pid}).",
        )
    for gid, age_s in _rows(using, _PREPARED, [old_seconds]):
        yield Finding(
            "transaction",
            f"Transaction {gid!r} was prepared {age_s} s ago and never decided: dead rows stay "
            f"until then. Run COMMIT PREPARED '{gid}' or ROLLBACK PREPARED '{gid}'.",
        )
    for slot, age in _rows(using, _SLOTS):
        yield Finding(
            "transaction",
            f"Replication slot {slot!r} holds back {age:,} transactions: dead rows stay. Bring "
            f"its standby back, or SELECT pg_drop_replication_slot('{slot}').",
        )


def _dead_rows(using: str) -> Iterator[Finding]:
    for dead, live, last, size in _rows(using, _DEAD_ROWS, [_TABLE]):
        if dead > _MOST_DEAD_ROWS + _MOST_DEAD_SHARE * live:
            yield Finding(
                "vacuum",
                f"Table {_TABLE!r} has {dead:,} dead rows beside {live:,} live ones (last "
                f"autovacuum: {last}): autovacuum is behind, or held up by an old transaction. "
                f"Run VACUUM {_TABLE}.",
            )
        elif size > max(_BLOATED_BYTES, live * _BYTES_PER_ROW):
            yield Finding(
                "bloat",
                f"Table {_TABLE!r} takes {size // 1024**2:,} MB for {live:,} rows: it was larger "
                f"once. In a quiet hour run VACUUM FULL {_TABLE}, or pg_repack.",
            )


def _pooler(using: str) -> Iterator[Finding]:
    conf = get_conf()
    # Django's manual asks for this setting behind a pooler in transaction mode, and only there.
    in_transaction_mode = connections[using].settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    if in_transaction_mode and (conf.LIVENESS_LOCKS or conf.WAKE_UP):
        yield Finding(
            "pooler",
            f"Database {using!r} has DISABLE_SERVER_SIDE_CURSORS, as behind a pooler in "
            "transaction mode, where neither session locks nor LISTEN work. Set "
            "OUTBOX['LIVENESS_LOCKS'] and OUTBOX['WAKE_UP'] to False, or let workers connect to "
            "the server itself.",
        )
