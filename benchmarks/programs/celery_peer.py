"""
celery with acks_late. Options: ``broker`` (a URL), ``queue`` and ``concurrency``.

Everything in the broker has the queue's name, and :meth:`CeleryPeer.clean` removes it.
"""

import time
from importlib.metadata import version
from typing import Any

from celery import Celery
from kombu import entity

from benchmarks.programs.protocol import OPTIONS, Program, main, note

NAME: str = OPTIONS["queue"]
ON_REDIS = OPTIONS["broker"].startswith("redis")

# Its classes have no types.
kinds: Any = entity
queue = kinds.Queue(NAME, kinds.Exchange(NAME), routing_key=NAME)
app: Any = Celery("bench", broker=OPTIONS["broker"], set_as_current=True)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_queues=[queue],
    task_default_queue=NAME,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": f"{NAME}:"} if ON_REDIS else {},
)


def bench(number: int, seconds: float) -> None:
    """Leave a line, and take the time that the job is to take."""
    note(number)
    if seconds:
        time.sleep(seconds)


task: Any = app.task(name="bench")(bench)


class CeleryPeer(Program):
    """Its tasks and a prefork worker."""

    def version(self) -> str:
        """Return celery's and the broker."""
        return f"celery {version('celery')} on {OPTIONS['broker'].split(':')[0]}"

    def prepare(self) -> None:
        """Make the queue."""
        with app.connection_for_write() as connection:
            app.amqp.queues[NAME].bind(connection.default_channel).declare()

    def reset(self) -> None:
        """Forget all jobs."""
        with app.connection_for_write() as connection:
            app.amqp.queues[NAME].bind(connection.default_channel).purge()

    def fill(self, count: int, seconds: float) -> None:
        """Publish one by one."""
        for number in range(1, count + 1):
            task.delay(number, seconds)

    def enqueue(self, number: int) -> None:
        """Publish one job."""
        task.delay(number, 0.0)

    def bulk(self, count: int) -> None:
        """Publish one by one: a broker has no other way."""
        self.fill(count, 0.0)

    def work(self) -> None:
        """Be a worker without the chatter of many."""
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "error"]
        concurrency = f"--concurrency={OPTIONS.get('concurrency', 1)}"
        app.worker_main(["worker", "--pool=prefork", concurrency, *quiet])

    def clean(self) -> None:
        """Delete the queue, the exchange and, on Redis, every key with the queue's name."""
        with app.connection_for_write() as connection:
            queue = app.amqp.queues[NAME].bind(connection.default_channel)
            queue.delete()
            if ON_REDIS:
                client = connection.default_channel.client
                # The client puts the prefix before the keys that it is given.
                for key in client.scan_iter(f"{NAME}:*"):
                    client.delete(key.decode().removeprefix(f"{NAME}:"))
            else:
                queue.exchange.delete()


if __name__ == "__main__":
    main(CeleryPeer())
