"""Care for MariaDB, and for MySQL in the same words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from django.db import Error as DatabaseError

from django_opskit.masking import mask_text
from django_system_ops.services.optimizing.findings import Done, Finding, Note, Step, Wishes
from django_system_ops.services.optimizing.mariadb_advice import Advice
from django_system_ops.services.optimizing.statements import Server

__all__ = ["MariaDB"]

_REBUILD = Note(
    "OPTIMIZE TABLE writes each table anew, indexes included: InnoDB lets others write meanwhile "
    "and locks the table for a moment at the beginning and the end. It needs the table's size on "
    "the disk once more."
)
_TIMEOUTS = ("lock_wait_timeout", "innodb_lock_wait_timeout")
_SLOW = """
SELECT digest_text, count_star, sum_timer_wait, sum_rows_examined
FROM performance_schema.events_statements_summary_by_digest
WHERE schema_name = DATABASE() AND digest_text IS NOT NULL
ORDER BY sum_timer_wait DESC
LIMIT %s
"""
_HOW_TO_GET_STATEMENTS = Note(
    "Slow queries: the performance schema is off. Put performance_schema=ON into the section "
    "[mariadbd] (MySQL: [mysqld]) of the configuration, and start the server anew."
)
_IDLE = """
SELECT t.trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.user, p.host,
    p.command, p.time, t.trx_rows_modified, CAST(t.trx_started AS CHAR)
FROM information_schema.innodb_trx t
JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
WHERE p.db = DATABASE() AND p.id <> CONNECTION_ID()
    AND TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) >= %s
ORDER BY t.trx_started
"""
_IS_STILL_IDLE = """
SELECT COUNT(*)
FROM information_schema.innodb_trx t
JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
WHERE p.id = %s AND CAST(t.trx_started AS CHAR) = %s AND p.command = 'Sleep' AND p.time >= %s
"""


class MariaDB(Server):
    """Statistics, tables written anew, sessions."""

    def plan(self, wishes: Wishes, tables: Sequence[str]) -> Iterator[Step | Note]:
        """Yield a statement for each table; one that is written anew has new statistics too."""
        is_rebuilt = wishes.reindex or wishes.vacuum
        if is_rebuilt:
            yield _REBUILD
        for table in tables:
            name = self.quoted(table)
            if is_rebuilt:
                yield Step("optimize", table, table, f"OPTIMIZE TABLE {name}")
            if wishes.analyze or wishes.are_none:
                yield Step("analyze", table, table, f"ANALYZE TABLE {name}")

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Set the session's lock_wait_timeout, which is in whole seconds."""
        before = self.rows(f"SELECT {', '.join(f'@@SESSION.{one}' for one in _TIMEOUTS)}")[0]
        self._set_timeouts([max(1, round(seconds))] * len(_TIMEOUTS))
        try:
            yield
        finally:
            with suppress(DatabaseError):
                self._set_timeouts(before)

    def run(self, step: Step) -> Iterator[Done | Finding]:
        """Run a step."""
        yield self.done(step)

    def complaint(self, rows: Sequence[tuple[str, str, str, str]]) -> str:
        """Return what went wrong: it is in rows, and the statement "succeeds"."""
        wrong = [row[3] for row in rows if str(row[2]).lower() == "error"]
        has_failed = any(row[3] == "Operation failed" for row in rows)
        return " ".join(wrong) or ("the operation failed" if has_failed else "")

    def advice(self, wishes: Wishes, tables: Sequence[str]) -> Iterator[Finding | Note]:
        """Yield what is worth a look."""
        yield from Advice(self, wishes, list(tables)).all()

    def slow_queries(self, wishes: Wishes) -> Iterator[Finding | Note]:
        """Yield what took most of the time, by the performance schema."""
        if not self.value("SELECT @@performance_schema"):
            yield _HOW_TO_GET_STATEMENTS
            return
        for text, calls, picoseconds, examined in self.rows(_SLOW, wishes.most_queries):
            seconds = int(picoseconds) / 1e12
            evidence = (
                f"{seconds:,.1f} s in {calls:,} calls, {seconds * 1000 / calls:,.1f} ms each, "
                f"{examined:,} rows examined"
            )
            yield Finding("slow_query", "", mask_text(" ".join(text.split()))[:400], evidence)

    def orphans(self, wishes: Wishes, *, dry_run: bool) -> Iterator[Finding | Done | Note]:
        """Yield transactions that are open for long, and prepared ones."""
        least = wishes.idle_minutes * 60
        for number, age, user, host, command, idle, changed, since in self.rows(_IDLE, least):
            is_idle = command == "Sleep" and idle >= least
            state = f"idle for {idle / 60:,.1f} min" if is_idle else f"at work ({command})"
            evidence = (
                f"{state}, begun {age / 60:,.1f} min ago, {changed:,} rows changed; {user} "
                f"from {host}"
            )
            kind = "idle_transaction" if is_idle else "long_transaction"
            sql = f"KILL {number}"
            yield Finding(kind, "", f"session {number}", evidence, f"{sql};")
            if is_idle and wishes.terminate and not dry_run:
                step = Step("terminate", "", f"session {number}", sql)
                yield self._terminated(step, number, since, least)
        for _format, length, _, data in self.rows("XA RECOVER"):
            name = _literals(data, length)
            evidence = "prepared, and nobody knows since when; never ended by this command"
            yield Finding("prepared_transaction", "", name, evidence, f"XA ROLLBACK {name};")

    def _terminated(self, step: Step, number: int, since: str, least: float) -> Done:
        # The very transaction that was seen: one that has gone on is nobody's orphan.
        if not self.value(_IS_STILL_IDLE, number, since, least):
            return Done(step, 0.0)
        return self.done(step)

    def _set_timeouts(self, values: Sequence[int]) -> None:
        for name, value in zip(_TIMEOUTS, values, strict=True):
            self.rows(f"SET SESSION {name} = %s", value)


def _literals(data: bytes | str, length: int) -> str:
    """Return the name of a prepared transaction, its branch included, as XA takes it."""
    whole = data if isinstance(data, bytes) else data.encode()
    parts = [one for one in (whole[:length], whole[length:]) if one]
    return ",".join(f"'{one.decode()}'" if one.isalnum() else f"X'{one.hex()}'" for one in parts)
