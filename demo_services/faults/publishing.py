"""A lost broker, as the side sees it that publishes."""

import errno
import os
from typing import Any

from kombu import Producer
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool

from demo_services.faults.board import board


def install() -> None:
    """Give every pool of producers, which Celery takes its own from, producers that can lose the broker."""
    ProducerPool.Producer = LosableProducer


class LosableProducer(Producer):
    """A producer that cannot reach the broker while it is lost."""

    def publish(self, *args: Any, **kwargs: Any) -> Any:
        """Publish; kombu's OperationalError, as when its retries have come to nothing."""
        if "broker" in board().faults().dependency:
            refused = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            raise OperationalError(str(refused)) from refused
        return super().publish(*args, **kwargs)
