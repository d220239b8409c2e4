"""What a worker's page says beside its counts: that it is up, what it runs now, and how long its queues are.

Names and labels are celery-exporter's, told from inside: consumers, workers and processes are this worker's
own part, so that a sum over workers is right. A queue's length is the broker's, told by each of its workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from celery.worker import state

from django_observe.exposition import gauges
from django_observe.queuelengths import QueueLengths
from django_observe.reporting import guard
from django_observe.taskmetricset import (
    ACTIVE_CONSUMERS,
    ACTIVE_PROCESSES,
    ACTIVE_WORKERS,
    QUEUE_LENGTH,
    WORKER_TASKS_ACTIVE,
    WORKER_UP,
)

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


class WorkerMetrics:
    """Those of one worker, which `consumer` (Celery's) stands for."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._lengths = QueueLengths(consumer.app)

    def families(self) -> Iterator[Metric]:
        """The families as they are now."""
        hostname = (self._consumer.hostname,)
        queues = self._queues()
        yield gauges(WORKER_UP, {hostname: 1})
        yield gauges(WORKER_TASKS_ACTIVE, {hostname: len(state.active_requests)})
        for family in (ACTIVE_CONSUMERS, ACTIVE_WORKERS):
            yield gauges(family, {(queue,): 1 for queue in queues})
        with guard("celery"):
            processes = self._consumer.pool.num_processes
            yield gauges(ACTIVE_PROCESSES, {(queue,): processes for queue in queues})
        with guard("celery"):
            lengths = self._lengths.of(queues)
            yield gauges(QUEUE_LENGTH, {(queue,): length for queue, length in lengths.items()})

    def _queues(self) -> list[str]:
        """The queues that this worker consumes right now; while it reconnects, those it will."""
        consumed = getattr(self._consumer.task_consumer, "queues", None)
        if consumed:
            return [queue.name for queue in consumed]
        return list(self._consumer.app.amqp.queues.consume_from)
