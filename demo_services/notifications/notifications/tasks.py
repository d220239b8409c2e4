"""What the worker does."""

from smtplib import SMTPException
from typing import Any

from celery import shared_task
from django.db import OperationalError

from notifications.events import OrderCreatedSerializer
from notifications.services import confirm_order


@shared_task(
    name="notifications.order_created",
    autoretry_for=(SMTPException, OSError, OperationalError),
    retry_backoff=True,
    retry_backoff_max=60,
    retry_jitter=True,
    max_retries=8,
)
def order_created(event: dict[str, Any]) -> None:
    """Confirm the order; an event that breaks the contract fails at once, for trying again cannot mend it."""
    heard = OrderCreatedSerializer(data=event)
    heard.is_valid(raise_exception=True)
    confirm_order(heard.validated_data)
