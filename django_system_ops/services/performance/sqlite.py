"""What there is to know about a SQLite file."""

from collections.abc import Iterator
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from django_system_ops.conf.performance import PerformanceSettings
from django_system_ops.engine.measuring import Measurement

__all__ = ["STATISTICS"]


def wal_size(connection: BaseDatabaseWrapper, conf: PerformanceSettings) -> Iterator[Measurement]:
    """Yield the size of the write-ahead log: it grows while a reader holds a checkpoint up."""
    wal = Path(f"{connection.settings_dict['NAME']}-wal")
    if wal.is_file():
        yield Measurement("database wal", wal.stat().st_size, "B", conf.wal_mib * 2**20)


STATISTICS = (wal_size,)
