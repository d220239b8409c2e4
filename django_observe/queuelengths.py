"""How many messages wait in queues, as the broker tells over one connection that stays open."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from kombu.exceptions import ChannelError

from django_observe.probe import ask
from django_observe.reporting import guard

DEADLINE_SECONDS: Final = 1.0
"""How long a scrape waits for the broker; without an answer it tells no length."""

FRESH_SECONDS: Final = 2.0
"""How long an answer of the broker, or that there was none, is told again."""

TRANSPORT_OPTIONS: Final[dict[str, dict[str, float]]] = {
    "amqp": {"read_timeout": DEADLINE_SECONDS, "write_timeout": DEADLINE_SECONDS},
    "redis": {"socket_timeout": DEADLINE_SECONDS},
    "filesystem": {},
    "memory": {},
}
"""Kombu's transports that are asked, and what ends their waiting; others (SQS) may charge for a question."""

_PROBE = "celery_queues"


class QueueLengths:
    """Those of a Celery app's broker. Its connection is its own: the worker's belongs to the main thread."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lengths: dict[str, int] = {}
        self._found: dict[str, int] = {}
        self._asked: float | None = None
        self._connection: Any = None
        self._channel: Any = None
        self._pid = os.getpid()
        atexit.register(self.close)

    def of(self, queues: list[str]) -> dict[str, int]:
        """The length of each queue; none when the broker did not answer in time, or may not be asked."""
        if self._asked is None or not 0 <= monotonic() - self._asked < FRESH_SECONDS:
            verdict = ask({_PROBE: lambda: self._ask(queues)}, DEADLINE_SECONDS)[_PROBE]
            self._lengths = self._found if verdict.error is None else {}
            self._asked = monotonic()
        return self._lengths

    def close(self) -> None:
        """Closes the connection; a forked process leaves it to the one that opened it."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and self._pid == os.getpid():
            with guard("celery"):
                connection.close()

    def _ask(self, queues: list[str]) -> None:
        """Asks over the connection that is open; over a new one when there is none, or it broke meanwhile."""
        self._found = {}
        if self._connection is not None:
            with suppress(*self._connection.connection_errors):
                self._found = {queue: self._length(queue) for queue in queues}
                return
        self.close()
        if self._open():
            self._found = {queue: self._length(queue) for queue in queues}

    def _open(self) -> bool:
        connection = self._app.connection_for_read(heartbeat=0)  # nobody would send any
        options = TRANSPORT_OPTIONS.get(connection.transport.driver_type)
        if options is not None:
            connection.transport_options = {**(connection.transport_options or {}), **options}
            connection.ensure_connection(max_retries=0, timeout=DEADLINE_SECONDS)
            self._connection = connection
        return options is not None

    def _length(self, queue: str) -> int:
        """A queue that is not there is empty: in Redis it is gone with its last message."""
        if self._channel is None or not getattr(self._channel, "is_open", True):
            self._channel = self._connection.channel()  # RabbitMQ closes it when there is no such queue
        try:
            return int(self._channel.queue_declare(queue=queue, passive=True).message_count)
        except ChannelError as error:
            if "NOT_FOUND" not in str(error):
                raise
            return 0
