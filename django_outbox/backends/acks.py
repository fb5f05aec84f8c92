"""Completing jobs: what every job needs, in statements without the ORM's price per job."""

from collections.abc import Collection

from django.db import connections

from django_opskit.clock import NOW_SQL

__all__ = ["complete_held", "delete_held"]

# The lease says what the status would say: see OutboxJobQuerySet.held().
_HELD = "id IN ({ids}) AND worker = %s AND claim_no = %s AND lease_until IS NOT NULL"

_COMPLETE = f"""
UPDATE outbox_job
SET status = 'COMPLETED', finished_at = {{now}}, lease_until = NULL, last_error = ''
WHERE {_HELD}
"""

_DELETE = f"DELETE FROM outbox_job WHERE {_HELD}"


def complete_held(ids: Collection[int], worker: str, claim_no: int, *, using: str) -> int:
    """Complete those of ``ids`` that ``worker`` holds under this claim; return how many."""
    return _execute(_COMPLETE, ids, worker, claim_no, using)


def delete_held(ids: Collection[int], worker: str, claim_no: int, *, using: str) -> int:
    """Delete those of ``ids`` that ``worker`` holds under this claim; return how many."""
    return _execute(_DELETE, ids, worker, claim_no, using)


def _execute(template: str, ids: Collection[int], worker: str, claim_no: int, using: str) -> int:
    connection = connections[using]
    # The ids are numbers of ours: written out, they need no placeholder each.
    listed = ", ".join(map(str, ids))
    with connection.cursor() as cursor:
        cursor.execute(
            template.format(now=NOW_SQL[connection.vendor], ids=listed), (worker, claim_no)
        )
        return int(cursor.rowcount)
