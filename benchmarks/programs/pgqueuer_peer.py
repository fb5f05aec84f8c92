"""pgqueuer. Options: ``batch``; ``driver``, asyncpg (as in its manual) or psycopg."""

import asyncio
from importlib.metadata import version
from typing import Any, ClassVar

import uvloop
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.programs.protocol import OPTIONS, Program, conninfo, main, note

DRIVER: str = OPTIONS.get("driver", "asyncpg")


async def connect() -> Any:
    """Return a connection in the driver's wrapping."""
    if DRIVER == "asyncpg":
        import asyncpg
        from pgqueuer.db import AsyncpgDriver

        return AsyncpgDriver(await asyncpg.connect(conninfo()))
    import psycopg
    from pgqueuer.db import PsycopgDriver

    return PsycopgDriver(await psycopg.AsyncConnection.connect(conninfo(), autocommit=True))


async def bench(job: Job) -> None:
    """Leave a line, and take the time that the job is to take."""
    number, seconds = job.payload.split()
    note(int(number))
    if float(seconds):
        await asyncio.sleep(float(seconds))


class PgQueuerPeer(Program):
    """Its queries for enqueueing and its worker on uvloop, as its command line runs it."""

    is_async: ClassVar[bool] = True
    queries: Queries

    def version(self) -> str:
        """Return pgqueuer's and its driver's."""
        return f"pgqueuer {version('pgqueuer')} on {DRIVER} {version(DRIVER)}"

    async def prepare(self) -> None:
        """Install its tables."""
        self.queries = Queries(await connect())
        await self.queries.install()

    async def reset(self) -> None:
        """Forget all jobs."""
        await self.queries.driver.execute("TRUNCATE pgqueuer, pgqueuer_log")

    async def fill(self, count: int, seconds: float) -> None:
        """Store many at once."""
        payloads = [b"%d %f" % (number, seconds) for number in range(1, count + 1)]
        await self.queries.enqueue(["bench"] * count, payloads, [0] * count)

    async def enqueue(self, number: int) -> None:
        """Store one job."""
        await self.queries.enqueue("bench", b"%d 0" % number)

    async def bulk(self, count: int) -> None:
        """Store many at once."""
        await self.fill(count, 0.0)

    def work(self) -> None:
        """Be a worker."""
        uvloop.run(self._work())

    async def _work(self) -> None:
        queuer = PgQueuer(await connect())
        queuer.entrypoint("bench")(bench)
        await queuer.run(batch_size=OPTIONS.get("batch", 10))


if __name__ == "__main__":
    main(PgQueuerPeer())
