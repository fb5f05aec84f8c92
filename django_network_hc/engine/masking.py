"""
Findings without what changes from month to month: counts, percentages, dates, uptimes.

``uptime 533 days`` and ``uptime 564 days`` are then one case. That is only right for tests whose
numbers say nothing about which thing is meant, so it is asked for test by test.
"""

import re
from collections.abc import Container

from django_network_hc.engine.rows import Key

__all__ = ["masked"]

# A number with its separators: 1.5, 12:30, 2025-02-06, 31/12. One in a word, as in ECA1, stays.
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[+-]?\d+(?:[.,:/-]\d+)*")


def masked(key: Key, tests: Container[str]) -> Key:
    """Return the key by which a finding of one of these tests is known, or the key itself."""
    node, test, priority, issue, text = key
    return (node, test, priority, issue, _NUMBER.sub("#", text)) if test in tests else key
