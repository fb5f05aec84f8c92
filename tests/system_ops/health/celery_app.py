"""A Celery app on the Redis of the tests, with queues of the test that starts it."""

import os

from celery import Celery

from tests.services import REDIS

app = Celery("opskit", broker=f"redis://{REDIS.host}:{REDIS.port}/0")
# Replies and orders go through names that nobody else uses.
app.conf.broker_transport_options = {"global_keyprefix": os.environ.get("OPSKIT_CELERY", "opskit-")}
app.conf.task_default_queue = "opskit-health"
app.conf.worker_hijack_root_logger = False

#: A way to a broker that nobody listens at.
unreachable = Celery("unreachable", broker="redis://:hunter22@127.0.0.1:1/0")
