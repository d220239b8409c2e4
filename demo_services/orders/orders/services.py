"""Placing an order."""

import logging
import uuid

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import APIException

from orders import outbox, payments
from orders.errors import PaymentDeclined
from orders.identity import Customer
from orders.models import Order, Product

logger = logging.getLogger(__name__)


def place_order(customer: Customer, product: Product, quantity: int, correlation_id: str) -> Order:
    """Store the order, charge it, and let `order_created` be published; raises what the charge raises."""
    order = Order.objects.create(
        customer_id=customer.id,
        product=product,
        quantity=quantity,
        amount_cents=product.price_cents * quantity,
        correlation_id=correlation_id,
    )
    try:
        order.charge_id = payments.charge(order)
    except APIException as error:
        order.status = Order.Status.DECLINED if isinstance(error, PaymentDeclined) else Order.Status.FAILED
        order.save(update_fields=["status"])
        logger.warning("order not paid", extra={"order_id": str(order.pk), "reason": str(error.detail)})
        raise
    order.status = Order.Status.PAID
    with transaction.atomic():
        order.save(update_fields=["status", "charge_id"])
        _tell(order, customer)
    logger.info("order placed", extra={"order_id": str(order.pk), "amount_cents": order.amount_cents})
    return order


def _tell(order: Order, customer: Customer) -> None:
    event_id = uuid.uuid4()
    payload = {
        "event_id": str(event_id),
        "occurred_at": timezone.now().isoformat(),
        "correlation_id": order.correlation_id,
        "order": {
            "id": str(order.pk),
            "sku": order.product.sku,
            "quantity": order.quantity,
            "amount_cents": order.amount_cents,
            "currency": order.currency,
        },
        "customer": {"id": customer.id, "username": customer.username, "email": customer.email},
    }
    outbox.add("notifications.order_created", "notifications", payload, event_id)
