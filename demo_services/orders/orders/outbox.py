"""The transactional outbox: events are stored with the order and published after, as often as it takes."""

import logging
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from orders.models import OutboxEvent
from orders_service.celery import app

logger = logging.getLogger(__name__)

# A younger event is still in the hands of the request that wrote it.
GRACE = timedelta(seconds=5)
ON_THE_WAY = 10
BATCH = 100


def add(task: str, queue: str, payload: dict[str, Any], event_id: UUID) -> OutboxEvent:
    """Store an event in the running transaction, and publish it as soon as that has committed."""
    event = OutboxEvent.objects.create(id=event_id, task=task, queue=queue, payload=payload)
    transaction.on_commit(partial(_publish_committed, event))
    return event


def publish_waiting(most: int = BATCH) -> int:
    """Publish what earlier attempts left behind, oldest first, until one fails; return how many went out."""
    waiting = OutboxEvent.objects.filter(published_at__isnull=True, created_at__lt=timezone.now() - GRACE)
    published = 0
    for event in waiting[:most]:
        if not _publish(event):
            break
        published += 1
    if published:
        logger.info("published %d events from the outbox", published)
    return published


def _publish_committed(event: OutboxEvent) -> None:
    if _publish(event):
        publish_waiting(most=ON_THE_WAY)


def _publish(event: OutboxEvent) -> bool:
    """Publish an event under its order's ID, also when it is a later run that gets it through."""
    from django_observe import correlated

    try:
        with correlated(event.payload["correlation_id"]):
            app.send_task(event.task, args=[event.payload], queue=event.queue, task_id=str(event.pk))
    except (OperationalError, OSError) as error:
        logger.warning(
            "broker unavailable, event kept in the outbox",
            extra={"event_id": str(event.pk), "event_name": event.task, "reason": str(error)},
        )
        return False
    OutboxEvent.objects.filter(pk=event.pk).update(published_at=timezone.now())
    return True
