"""From an event to a mail and a stored notification."""

import json
from smtplib import SMTPServerDisconnected
from typing import Any
from unittest import mock

from celery.exceptions import Retry
from django.conf import settings
from django.core import mail
from django.test import TestCase
from rest_framework.exceptions import ValidationError

from notifications.models import Notification
from notifications.tasks import order_created

CONTRACT = json.loads((settings.BASE_DIR.parent / "contracts" / "order_created.json").read_text())


def event() -> dict[str, Any]:
    """The event that orders promises to publish."""
    copy: dict[str, Any] = json.loads(json.dumps(CONTRACT["event"]))
    return copy


class OrderCreatedTests(TestCase):
    def test_contract(self) -> None:
        """The promised task exists, and the promised event becomes one mail that names the order."""
        self.assertEqual(order_created.name, CONTRACT["task"])
        order_created(event())
        (sent,) = mail.outbox
        self.assertEqual(sent.to, [event()["customer"]["email"]])
        self.assertIn(event()["order"]["id"], sent.subject)
        self.assertIn("11.80 EUR", str(sent.body))

    def test_heard_twice(self) -> None:
        """An event that comes twice is one mail and one notification."""
        order_created(event())
        order_created(event())
        self.assertEqual(len(mail.outbox), 1)
        self.assertEqual(Notification.objects.count(), 1)

    def test_mail_server_down(self) -> None:
        """A mail that cannot be sent is tried again later, and sent then."""
        with (
            mock.patch("notifications.services.send_mail", side_effect=SMTPServerDisconnected("gone")),
            mock.patch.object(order_created, "retry", side_effect=Retry()) as retry,
            self.assertRaises(Retry),
        ):
            order_created(event())
        retry.assert_called_once()
        self.assertIsNone(Notification.objects.get().sent_at)
        order_created(event())
        self.assertIsNotNone(Notification.objects.get().sent_at)

    def test_broken_event(self) -> None:
        """An event that breaks the contract fails and is not tried again."""
        broken = event()
        del broken["order"]["id"]
        with self.assertRaises(ValidationError):
            order_created(broken)
        self.assertFalse(mail.outbox)


class ApiTests(TestCase):
    def test_by_order(self) -> None:
        """Notifications are found by their order."""
        order_created(event())
        found = self.client.get("/api/notifications/", {"order_id": event()["order"]["id"]}).json()["results"]
        self.assertEqual([row["correlation_id"] for row in found], [event()["correlation_id"]])
        other = self.client.get("/api/notifications/", {"order_id": event()["event_id"]}).json()
        self.assertEqual(other["count"], 0)

    def test_bad_input(self) -> None:
        """An order ID that is none is a 400 that names it."""
        response = self.client.get("/api/notifications/", {"order_id": "12"})
        self.assertEqual((response.status_code, set(response.json())), (400, {"order_id"}))
