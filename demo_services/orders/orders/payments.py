"""The outside payment API."""

from django.conf import settings
from rest_framework import status

from orders.errors import BadGateway, PaymentDeclined
from orders.models import Order
from orders.remote import Remote

payment = Remote("payment", settings.PAYMENT_URL)


def charge(order: Order) -> str:
    """Charge the order and return the charge's ID; the order's ID as the key makes a retry safe."""
    body = {"reference": str(order.pk), "amount_cents": order.amount_cents, "currency": order.currency}
    answer = payment.request("POST", "/charges", json=body, headers={"Idempotency-Key": str(order.pk)})
    if answer.status == status.HTTP_402_PAYMENT_REQUIRED:
        reason = answer.body.get("reason", "no reason given")
        raise PaymentDeclined(f"The payment was declined: {reason}.")
    if answer.status != status.HTTP_201_CREATED:
        raise BadGateway("The payment service refused the charge.")
    charge_id = answer.body.get("id")
    if not isinstance(charge_id, str):
        raise BadGateway("The payment service answered without a charge ID.")
    return charge_id
