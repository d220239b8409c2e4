"""`python -m demo_services.drills.publisher`, run as the worker is: messages that no service should send.

Each has a routing key of its own, and a task that no worker has; then some tasks are revoked.
"""

import uuid

from kombu import Exchange, Queue

from django_observe.collectors import MAX_LABEL_SETS
from notifications_service.celery import app

KEYS = MAX_LABEL_SETS + 100
ROUNDS = 2
"""Prometheus sees an increase from the second on."""
REVOKED = 3


def number_the_keys() -> None:
    """A number in each routing key, as if it were an order's; the worker counts by routing key."""
    exchange = Exchange("numbered", "topic")
    queue = Queue(app.conf.task_default_queue, exchange, routing_key="numbered.#")
    with app.connection_for_write() as connection:
        for number in [*range(KEYS)] * ROUNDS:
            app.send_task(
                "nobody.has_this",
                exchange="numbered",
                routing_key=f"numbered.{number}",
                connection=connection,
                declare=[queue],
            )


def revoke() -> None:
    """Tasks that are revoked before they are sent."""
    for task_id in (str(uuid.uuid4()) for _ in range(REVOKED)):
        app.control.revoke(task_id, reply=True)
        app.send_task("notifications.order_created", ({},), task_id=task_id)


if __name__ == "__main__":
    number_the_keys()
    revoke()
