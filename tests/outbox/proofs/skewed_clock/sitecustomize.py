"""
A host whose clock is wrong by ``OPSKIT_CLOCK_SKEW_SECONDS``, as far as Python code can tell.

Python imports this module at its start when its folder is on PYTHONPATH, before any other code
can take hold of the clock.
"""

import datetime
import os
import time
from typing import Any

_SKEW_SECONDS = float(os.environ["OPSKIT_CLOCK_SKEW_SECONDS"])
_SKEW = datetime.timedelta(seconds=_SKEW_SECONDS)
_real_time, _real_time_ns = time.time, time.time_ns
_real: Any = datetime.datetime


class _IsAnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, _real)


# What other code reads from a database is a real one, and has to count as this one.
class _SkewedDatetime(_real, metaclass=_IsAnyDatetime):  # type: ignore[misc]
    @classmethod
    def now(cls, tz=None):
        return _real.now(tz) + _SKEW

    @classmethod
    def utcnow(cls):
        return _real.now(datetime.UTC).replace(tzinfo=None) + _SKEW

    @classmethod
    def today(cls):
        return _real.now() + _SKEW


time.time = lambda: _real_time() + _SKEW_SECONDS
time.time_ns = lambda: _real_time_ns() + int(_SKEW_SECONDS * 1e9)
datetime.datetime = _SkewedDatetime  # type: ignore[misc]  # what this module is for
