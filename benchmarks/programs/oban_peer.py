"""oban for Python. Option: ``limit``, the jobs that run side by side."""

import asyncio
from importlib.metadata import version
from typing import Any, ClassVar

import uvloop
from oban import Oban, worker
from oban.schema import install

from benchmarks.programs.protocol import OPTIONS, Program, conninfo, main, note


class Bench:
    """Leave a line, and take the time that the job is to take."""

    async def process(self, job: Any) -> None:
        """Do it."""
        note(job.args["n"])
        if job.args["s"]:
            await asyncio.sleep(job.args["s"])


BenchWorker: Any = worker(queue="default")(Bench)


class ObanPeer(Program):
    """Its client and its server on uvloop, as its command line runs it."""

    is_async: ClassVar[bool] = True

    def version(self) -> str:
        """Return oban's."""
        return f"oban {version('oban')}"

    async def prepare(self) -> None:
        """Install its tables."""
        self.pool = await Oban.create_pool(conninfo())
        await install(self.pool)
        self.client = await Oban(pool=self.pool).start()

    async def reset(self) -> None:
        """Forget all jobs."""
        async with self.pool.connection() as connection:
            await connection.execute("TRUNCATE oban_jobs")

    async def fill(self, count: int, seconds: float) -> None:
        """Store many at once."""
        jobs = [BenchWorker.new({"n": number, "s": seconds}) for number in range(1, count + 1)]
        await self.client.enqueue_many(jobs)

    async def enqueue(self, number: int) -> None:
        """Store one job."""
        await self.client.enqueue(BenchWorker.new({"n": number, "s": 0}))

    async def bulk(self, count: int) -> None:
        """Store many at once."""
        await self.fill(count, 0.0)

    def work(self) -> None:
        """Be a worker."""
        uvloop.run(self._work())

    async def _work(self) -> None:
        pool = await Oban.create_pool(conninfo())
        await Oban(pool=pool, queues={"default": OPTIONS.get("limit", 10)}).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main(ObanPeer())
