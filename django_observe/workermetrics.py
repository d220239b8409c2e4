"""What a worker's page says beside its counts: that it is up, what it runs now, and how long its queues are.

Names and labels are celery-exporter's, told from inside: consumers, workers and processes are this worker's
own part, so that a sum over workers is right. A queue's length is the broker's, told by each of its workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from celery.worker import state
from kombu.exceptions import ChannelError

from django_observe.exposition import gauges
from django_observe.probe import ask
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

DEADLINE_SECONDS: Final = 1.0
"""How long a scrape waits for the broker; without an answer it tells no length."""

FRESH_SECONDS: Final = 2.0
"""How long an answer of the broker, or that there was none, is told again."""

COUNTABLE: Final = frozenset({"amqp", "redis", "filesystem", "memory"})
"""Kombu's transports that are asked; elsewhere (SQS) a question may cost money."""

_PROBE = "celery_queues"


class WorkerMetrics:
    """Those of one worker, which `consumer` (Celery's) stands for."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._lengths: dict[str, int] = {}
        self._found: dict[str, int] = {}
        self._asked: float | None = None

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
            lengths = self._known_lengths(queues)
            yield gauges(QUEUE_LENGTH, {(queue,): length for queue, length in lengths.items()})

    def _queues(self) -> list[str]:
        """The queues that this worker consumes right now; while it reconnects, those it will."""
        consumed = getattr(self._consumer.task_consumer, "queues", None)
        if consumed:
            return [queue.name for queue in consumed]
        return list(self._consumer.app.amqp.queues.consume_from)

    def _known_lengths(self, queues: list[str]) -> dict[str, int]:
        if self._asked is None or not 0 <= monotonic() - self._asked < FRESH_SECONDS:
            verdict = ask({_PROBE: lambda: self._ask(queues)}, DEADLINE_SECONDS)[_PROBE]
            self._lengths = self._found if verdict.error is None else {}
            self._asked = monotonic()
        return self._lengths

    def _ask(self, queues: list[str]) -> None:
        """Asks by a connection of its own: the worker's belongs to its main thread."""
        self._found = {}
        with self._consumer.app.connection_for_read() as connection:
            if connection.transport.driver_type not in COUNTABLE:
                return
            connection.ensure_connection(max_retries=0, timeout=DEADLINE_SECONDS)
            self._found = {queue: _length(connection, queue) for queue in queues}


def _length(connection: Any, queue: str) -> int:
    """A queue that is not there is empty: in Redis it is gone with its last message."""
    try:
        with connection.channel() as channel:  # one each: RabbitMQ closes it when there is no such queue
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except ChannelError as error:
        if "NOT_FOUND" not in str(error):
            raise
        return 0
