"""Locust's users of the shop: they order, look at their orders, and now and then ask for what is not sold.

`locust -f demo_services/loadtest.py --host http://127.0.0.1:8002`, with in the environment
AUTH_URL, NOTIFICATIONS_URL (without it nobody looks for mails), THINK_SECONDS (such as 1-3, between clicks),
CANARY_URL (a second instance of orders) and CANARY_SHARE (0 to 1: its share, while something listens there).
"""

import os
import random
import secrets
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from locust import HttpUser, between, task

AUTH_URL = os.environ.get("AUTH_URL", "http://127.0.0.1:8001")
NOTIFICATIONS_URL = os.environ.get("NOTIFICATIONS_URL", "")
CANARY_URL = os.environ.get("CANARY_URL", "")
CANARY_SHARE = float(os.environ.get("CANARY_SHARE", "0.5"))
THINK_SECONDS = [float(seconds) for seconds in os.environ.get("THINK_SECONDS", "1-3").split("-")]
ASSORTMENT = ("TEA-GREEN", "TEA-EARL-GREY", "COFFEE-BEANS", "MUG-BLUE")
KEPT_ORDERS = 10
RETRY_SECONDS = 1
CREATED, BAD_REQUEST, UNAUTHORIZED = 201, 400, 401


class Shopper(HttpUser):
    """A customer with an account, and a moment between clicks; what fails is tried again later."""

    wait_time = between(THINK_SECONDS[0], THINK_SECONDS[-1])

    def on_start(self) -> None:
        """Open an account and sign in, as soon as auth lets one."""
        name, password = f"user-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        self.account = {"username": name, "email": f"{name}@example.com", "password": password}
        self.orders: list[str] = []
        # 400: an earlier attempt was stored, although it was not answered.
        while self._auth("register").status_code not in (CREATED, BAD_REQUEST):
            time.sleep(RETRY_SECONDS)
        while not self._sign_in():
            time.sleep(RETRY_SECONDS)

    @task(8)
    def order(self) -> None:
        """Order something."""
        answer = self._ask("POST", "/api/orders/", json=self._wish())
        if answer.status_code == CREATED:
            self.orders = [*self.orders, answer.json()["id"]][-KEPT_ORDERS:]

    @task(4)
    def look(self) -> None:
        """Look at an order of one's own."""
        if self.orders:
            self._ask("GET", f"/api/orders/{random.choice(self.orders)}/", name="/api/orders/<id>/")  # noqa: S311

    @task(2)
    def look_for_mail(self) -> None:
        """Look whether the mail about an order has been sent."""
        if self.orders and NOTIFICATIONS_URL:
            address = f"{NOTIFICATIONS_URL}/api/notifications/"
            query = {"order_id": random.choice(self.orders)}  # noqa: S311
            self.client.get(address, params=query, name="/api/notifications/")

    @task(1)
    def mistake(self) -> None:
        """Ask for what is not sold; a clear 400 is the right answer."""
        wish = {"sku": "UNICORN", "quantity": 1}
        with self.client.post("/api/orders/", json=wish, catch_response=True) as response:
            if response.status_code == BAD_REQUEST:
                response.success()

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        """Ask orders, or its canary; sign in again when the token has expired."""
        start = CANARY_URL if random.random() < CANARY_SHARE and _canary_listens() else ""  # noqa: S311
        answer = self.client.request(method, f"{start}{path}", **{"name": path, **options})
        if answer.status_code == UNAUTHORIZED:
            self._sign_in()
        return answer

    def _sign_in(self) -> bool:
        answer = self._auth("token")
        if answer.ok:
            self.client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
        return bool(answer.ok)

    def _auth(self, what: str) -> Any:
        # Without the old token: one that has expired is refused here as well.
        headers = {"Authorization": ""}
        return self.client.post(f"{AUTH_URL}/api/{what}/", json=self.account, headers=headers)

    def _wish(self) -> dict[str, Any]:
        return {"sku": random.choice(ASSORTMENT), "quantity": random.randint(1, 4)}  # noqa: S311


def _canary_listens() -> bool:
    canary = urlsplit(CANARY_URL)
    try:
        with socket.create_connection((canary.hostname or "", canary.port or 80), timeout=0.5):
            return True
    except OSError:
        return False
