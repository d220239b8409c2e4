"""Telling a customer about their order."""

import logging
from typing import Any

from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from notifications.models import Notification

logger = logging.getLogger(__name__)

BODY = """Hello {username},

thank you for your order {id}: {quantity} x {sku}, {price} {currency}.

If anything is wrong with it, quote {correlation_id} to us.
"""


def confirm_order(event: dict[str, Any]) -> Notification:
    """Send the confirmation of an order, once for each event; SMTPException or OSError: try again."""
    notification, _ = Notification.objects.get_or_create(event_id=event["event_id"], defaults=_wording(event))
    with transaction.atomic():
        # The lock holds off a second worker that was handed the same event until the mail is sent.
        notification = Notification.objects.select_for_update().get(pk=notification.pk)
        if notification.sent_at is not None:
            logger.info("already confirmed", extra={"order_id": str(notification.order_id)})
            return notification
        send_mail(notification.subject, notification.body, None, [notification.recipient])
        notification.sent_at = timezone.now()
        notification.save(update_fields=["sent_at"])
    logger.info("order confirmed by mail", extra={"order_id": str(notification.order_id)})
    return notification


def _wording(event: dict[str, Any]) -> dict[str, Any]:
    order, customer = event["order"], event["customer"]
    words = {**order, "price": f"{order['amount_cents'] / 100:.2f}"}
    return {
        "order_id": order["id"],
        "recipient": customer["email"],
        "subject": f"Your order {order['id']}",
        "body": BODY.format(**words, username=customer["username"], correlation_id=event["correlation_id"]),
        "correlation_id": event["correlation_id"],
    }
