"""A Celery application, and a task's way: published, taken from the queue, run; without a worker's loop.

A worker's timers and heartbeats would be counted with whichever task they fall upon.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.worker.request import Request
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.cost.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task
def add(number: int, other: int) -> int:
    return number + other


class Pipeline:
    """A queue, and tasks through it one by one."""

    def __init__(self) -> None:
        connection = app.connection_for_read()
        self._queue: Any = Queue("celery")(connection.default_channel)
        self._queue.declare()

    def publish(self, number: int) -> None:
        """As a view does; what is taken from the queue is thrown away."""
        add.delay(number, 1)
        self._queue.get(no_ack=True)

    def publish_and_run(self, number: int) -> None:
        """The run as in a worker's pool."""
        add.delay(number, 1)
        message = self._queue.get(no_ack=True)
        request = Request(
            message, app=app, hostname="bench@shop", task=app.tasks[add.name], headers=message.headers
        )
        if request.execute() != number + 1:
            raise RuntimeError(f"task {number} did not run")
