"""Orders believes what the contracts promise of others, and publishes what they promise of itself."""

import json
from typing import Any
from unittest import mock

from django.conf import settings
from django.core.cache import cache
from django.test import TestCase

from orders import identity, payments
from orders.errors import PaymentDeclined
from orders.identity import Customer
from orders.models import Order, OutboxEvent, Product
from orders.services import place_order
from orders.tests.stand_in import StandIn

CONTRACTS = settings.BASE_DIR.parent / "contracts"


def contract(name: str) -> dict[str, Any]:
    """One contract, as both of its sides read it."""
    text: dict[str, Any] = json.loads((CONTRACTS / f"{name}.json").read_text())
    return text


def shape(value: Any) -> Any:
    """The names and types of a JSON value, without its values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return type(value).__name__


class ConsumerTests(TestCase):
    """The answers of others, given by a real HTTP server, are understood."""

    def setUp(self) -> None:
        cache.clear()

    def test_user(self) -> None:
        """The promised user becomes a customer, asked for as promised."""
        user = contract("auth_user")
        path = user["request"]["path"].format(id=7)
        with (
            StandIn({("GET", path): user["response"]}) as auth,
            mock.patch.object(identity.auth, "url", auth.url),
        ):
            customer = identity.customer_of(7, "t")
        self.assertEqual(customer, Customer(7, "ada", "ada@example.com"))
        self.assertEqual(auth.requests[0]["headers"]["Authorization"], "Bearer t")

    def test_jwks(self) -> None:
        """A key of the promised form can verify signatures."""
        keys = contract("auth_jwks")
        with (
            StandIn({("GET", keys["request"]["path"]): keys["response"]}) as auth,
            mock.patch.object(identity.auth, "url", auth.url),
        ):
            self.assertEqual(identity.published_keys()[0].key_id, keys["response"]["body"]["keys"][0]["kid"])

    def test_payment(self) -> None:
        """The charge is asked for as promised, and both promised answers are understood."""
        charge = contract("payment_charge")
        product = Product.objects.get(sku="TEA-GREEN")
        order = Order(customer_id=7, product=product, quantity=1, amount_cents=590)
        with (
            StandIn({("POST", "/charges"): charge["response"]}) as bank,
            mock.patch.object(payments.payment, "url", bank.url),
        ):
            self.assertEqual(payments.charge(order), charge["response"]["body"]["id"])
            bank.answers["POST", "/charges"] = charge["declined"]
            with self.assertRaisesMessage(PaymentDeclined, charge["declined"]["body"]["reason"]):
                payments.charge(order)
        asked = bank.requests[0]
        self.assertEqual(shape(asked["body"]), shape(charge["request"]["body"]))
        self.assertLessEqual(set(charge["request"]["headers"]), set(asked["headers"]))


class ProducerTests(TestCase):
    def test_order_created(self) -> None:
        """The event has exactly the promised members, and goes to the promised task and queue."""
        promised = contract("order_created")
        with mock.patch.object(payments, "charge", return_value="ch_01"):
            place_order(
                Customer(7, "ada", "ada@example.com"), Product.objects.get(sku="TEA-GREEN"), 2, "c" * 32
            )
        event = OutboxEvent.objects.get()
        self.assertEqual((event.task, event.queue), (promised["task"], promised["queue"]))
        self.assertEqual(shape(event.payload), shape(promised["event"]))
        self.assertEqual(event.payload["event_id"], str(event.pk))
