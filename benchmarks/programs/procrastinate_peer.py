"""procrastinate, with a connector of its own. Option: ``concurrency``."""

import asyncio
from importlib.metadata import version
from typing import Any, ClassVar

from procrastinate import App, PsycopgConnector

from benchmarks.programs.protocol import OPTIONS, Program, conninfo, main, note

app: Any = App(connector=PsycopgConnector(conninfo=conninfo()))


async def bench(n: int, s: float) -> None:
    """Leave a line, and take the time that the job is to take."""
    note(n)
    if s:
        await asyncio.sleep(s)


task: Any = app.task(name="bench")(bench)


class ProcrastinatePeer(Program):
    """Its tasks and its worker."""

    is_async: ClassVar[bool] = True

    def version(self) -> str:
        """Return procrastinate's."""
        return f"procrastinate {version('procrastinate')}"

    async def prepare(self) -> None:
        """Install its tables."""
        await app.open_async()
        await app.schema_manager.apply_schema_async()

    async def reset(self) -> None:
        """Forget all jobs."""
        await app.connector.execute_query_async("TRUNCATE procrastinate_jobs CASCADE")

    async def fill(self, count: int, seconds: float) -> None:
        """Store many at once."""
        await task.batch_defer_async(*({"n": n, "s": seconds} for n in range(1, count + 1)))

    async def enqueue(self, number: int) -> None:
        """Store one job."""
        await task.defer_async(n=number, s=0)

    async def bulk(self, count: int) -> None:
        """Store many at once."""
        await self.fill(count, 0.0)

    def work(self) -> None:
        """Be a worker."""
        app.run_worker(concurrency=OPTIONS.get("concurrency", 1))

    async def clean(self) -> None:
        """Close the connections."""
        await app.close_async()


if __name__ == "__main__":
    main(ProcrastinatePeer())
