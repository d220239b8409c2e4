"""Orders, by the answers a client gets, with real HTTP to stand-ins for auth and payment."""

from contextlib import ExitStack
from time import time
from typing import Any
from unittest import mock

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import TestCase
from kombu.exceptions import OperationalError

from orders import identity, payments
from orders.models import Order, OutboxEvent
from orders.tests.stand_in import Answers, StandIn
from orders_service.celery import app

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
USER = {"id": 7, "username": "ada", "email": "ada@example.com"}
ORDER = {"sku": "TEA-GREEN", "quantity": 2}


def token(key: rsa.RSAPrivateKey = KEY, **claims: Any) -> str:
    """A token as auth would sign it, unless told otherwise."""
    return jwt.encode(
        {"user_id": "7", "aud": "demo", "iss": "auth", "exp": time() + 60, **claims}, key, "RS256"
    )


def answers() -> Answers:
    """What auth and payment answer when all is well."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    return {
        ("GET", "/.well-known/jwks.json"): {"status": 200, "body": {"keys": [public]}},
        ("GET", "/api/users/7/"): {"status": 200, "body": USER},
        ("POST", "/charges"): {"status": 201, "body": {"id": "ch_01", "status": "succeeded"}},
    }


class OrdersTestCase(TestCase):
    def setUp(self) -> None:
        cache.clear()
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.others = stack.enter_context(StandIn(answers()))
        self.published = stack.enter_context(mock.patch.object(app, "send_task"))
        for remote in (identity.auth, payments.payment):
            remote.breaker.close()
            stack.enter_context(mock.patch.object(remote, "url", self.others.url))

    def order(self, body: Any = ORDER, bearer: str | None = None) -> Any:
        headers = {"authorization": f"Bearer {bearer or token()}"}
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post("/api/orders/", body, "application/json", headers=headers)


class OrderTests(OrdersTestCase):
    def test_order(self) -> None:
        """A paid order is answered, stored, published and can be read again by its customer alone."""
        response = self.order()
        order = response.json()
        self.assertEqual(response.status_code, 201)
        self.assertEqual((order["sku"], order["amount_cents"], order["status"]), ("TEA-GREEN", 1180, "paid"))
        self.published.assert_called_once()
        self.assertIsNotNone(OutboxEvent.objects.get().published_at)

        def read(bearer: str) -> int:
            headers = {"authorization": f"Bearer {bearer}"}
            return self.client.get(f"/api/orders/{order['id']}/", headers=headers).status_code

        self.assertEqual(read(token()), 200)
        self.assertEqual(read(token(user_id="8")), 404)

    def test_bad_input(self) -> None:
        """Each fault of the body is named by its field; nothing is charged."""
        cases = [
            ({}, {"sku", "quantity"}),
            ({"sku": "NO-SUCH", "quantity": 1}, {"sku"}),
            ({"sku": "TEA-GREEN", "quantity": 0}, {"quantity"}),
            ({"sku": ["TEA-GREEN"], "quantity": "many"}, {"sku", "quantity"}),
            ([], {"non_field_errors"}),
        ]
        for body, faults in cases:
            with self.subTest(body=body):
                response = self.order(body)
                self.assertEqual(response.status_code, 400)
                self.assertEqual(set(response.json()), faults)
        self.assertFalse(Order.objects.exists())

    def test_bad_token(self) -> None:
        """No token, nonsense, a stranger's signature, another audience, an expired one: 401."""
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        for bearer in ("nonsense", token(stranger), token(aud="other"), token(exp=1), token(user_id="x")):
            self.assertEqual(self.order(bearer=bearer).status_code, 401)
        self.assertEqual(self.client.post("/api/orders/", ORDER, "application/json").status_code, 401)

    def test_changed_key(self) -> None:
        """A key that auth changed is fetched, although the old one is still cached."""
        self.order()
        changed = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(changed.public_key(), as_dict=True)
        self.others.answers["GET", "/.well-known/jwks.json"] = {"status": 200, "body": {"keys": [public]}}
        self.assertEqual(self.order(bearer=token(changed)).status_code, 201)


class FaultTests(OrdersTestCase):
    def test_payment_faults(self) -> None:
        """Declined is 402, an error 502; the order is kept with its status, and nobody is told of it."""
        cases = [
            (402, {"status": "declined", "reason": "insufficient funds"}, 402, Order.Status.DECLINED),
            (500, {}, 502, Order.Status.FAILED),
            (201, ["no object"], 502, Order.Status.FAILED),
        ]
        for given, body, expected, kept in cases:
            with self.subTest(given=given, body=body):
                self.others.answers["POST", "/charges"] = {"status": given, "body": body}
                response = self.order()
                self.assertEqual(response.status_code, expected)
                self.assertIn("payment", response.json()["detail"])
                self.assertEqual(Order.objects.latest("created_at").status, kept)
        self.published.assert_not_called()

    def test_auth_down(self) -> None:
        """Auth unreachable: 503 with detail and correlation ID; after five times auth is left in peace."""
        self.order()
        gone = "http://127.0.0.1:9"
        with mock.patch.object(identity.auth, "url", gone):
            bodies = [self.order() for _ in range(6)]
        self.assertEqual({response.status_code for response in bodies}, {503})
        self.assertEqual(set(bodies[0].json()), {"detail", "correlation_id"})
        self.assertEqual(identity.auth.breaker.current_state, "open")

    def test_auth_fails(self) -> None:
        """Auth answering with errors is asked three times, neither once nor for ever: then 502."""
        self.others.answers["GET", "/api/users/7/"] = {"status": 500, "body": {}}
        self.assertEqual(self.order().status_code, 502)
        asked = [request["path"] for request in self.others.requests]
        self.assertEqual(asked, ["/.well-known/jwks.json", *["/api/users/7/"] * 3])

    def test_broker_down(self) -> None:
        """The order is taken, its event kept with a word in the log, and published with the next order."""
        self.published.side_effect = OperationalError("connection refused")
        with self.assertLogs("orders.outbox", "WARNING") as said:
            self.assertEqual(self.order().status_code, 201)
        self.assertIn("event kept in the outbox", said.output[0])
        OutboxEvent.objects.update(created_at="2026-01-01T00:00:00Z")
        self.published.side_effect = None

        self.assertEqual(self.order().status_code, 201)
        self.assertFalse(OutboxEvent.objects.filter(published_at__isnull=True).exists())
