"""
From lane to lane on MariaDB and MySQL.

Their optimizers know no probe that depends on the row before: a recursive query would read each
lane from its beginning. So the index is read in pages. A page that a long lane fills is
followed by smaller ones, each of which begins behind the lane.
"""

from django.db import connections

from django_opskit.clock import NOW_SQL
from django_outbox.backends.base import Head

__all__ = ["lane_heads"]

_FIRST_PAGE = 32
_LARGEST_PAGE = 512
# A page has to hold at least this share of lanes to be worth its rows.
_WORTH = 8

_PAGE = f"""
SELECT lane.group_key, lane.id, lane.entries, head.run_after <= {NOW_SQL["mysql"]} AND NOT EXISTS (
    SELECT 1 FROM outbox_job AS running
    WHERE running.queue = %s AND running.running_key = lane.group_key
)
FROM (
    SELECT group_key, MIN(id) AS id, COUNT(*) AS entries FROM (
        SELECT group_key, id FROM outbox_job FORCE INDEX (outbox_job_lane)
        WHERE status = 'PENDING' AND queue = %s AND group_key > %s
        ORDER BY group_key, id LIMIT %s
    ) AS page GROUP BY group_key
) AS lane JOIN outbox_job AS head ON head.id = lane.id
ORDER BY lane.group_key
"""


def lane_heads(queue: str, *, after: str, lanes: int, using: str) -> list[Head]:
    """Return the heads of the next lanes after ``after``; see ``backends.base.Store``."""
    heads: list[Head] = []
    page = _FIRST_PAGE
    while True:
        with connections[using].cursor() as cursor:
            cursor.execute(_PAGE, (queue, queue, after, page))
            rows = cursor.fetchall()
        heads += [Head(key, job_id, bool(is_free)) for key, job_id, _, is_free in rows]
        is_last = sum(entries for _, _, entries, _ in rows) < page
        if is_last or len(heads) >= lanes:
            return heads[:lanes]
        after = heads[-1].group_key
        is_worth_it = len(rows) * _WORTH >= page
        page = min(page * 2, _LARGEST_PAGE) if is_worth_it else max(page // _WORTH, 1)
