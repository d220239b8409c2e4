"""Locust's users of the shop: they order, look at their orders, and now and then ask for what is not sold.

`locust -f demo_services/loadtest.py --host http://127.0.0.1:8002` with AUTH_URL set does the same by hand.
"""

import os
import random
import secrets
from typing import Any

from locust import HttpUser, between, task

AUTH_URL = os.environ.get("AUTH_URL", "http://127.0.0.1:8001")
ASSORTMENT = ("TEA-GREEN", "TEA-EARL-GREY", "COFFEE-BEANS", "MUG-BLUE")
BAD_REQUEST = 400


class Shopper(HttpUser):
    """A customer with an account, and a second or two between clicks."""

    wait_time = between(1, 3)

    def on_start(self) -> None:
        """Open an account and sign in."""
        name, password = f"user-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        account = {"username": name, "email": f"{name}@example.com", "password": password}
        self.client.post(f"{AUTH_URL}/api/register/", json=account)
        tokens = self.client.post(f"{AUTH_URL}/api/token/", json=account).json()
        self.client.headers["Authorization"] = f"Bearer {tokens['access']}"
        self.orders: list[str] = []

    @task(8)
    def order(self) -> None:
        """Order something."""
        answer: dict[str, Any] = self.client.post("/api/orders/", json=self._wish()).json()
        if "id" in answer:
            self.orders = [*self.orders[-9:], answer["id"]]

    @task(4)
    def look(self) -> None:
        """Look at an order of one's own."""
        if self.orders:
            self.client.get(f"/api/orders/{random.choice(self.orders)}/", name="/api/orders/<id>/")  # noqa: S311

    @task(1)
    def mistake(self) -> None:
        """Ask for what is not sold; a clear 400 is the right answer."""
        wish = {"sku": "UNICORN", "quantity": 1}
        with self.client.post("/api/orders/", json=wish, catch_response=True) as response:
            if response.status_code == BAD_REQUEST:
                response.success()

    def _wish(self) -> dict[str, Any]:
        return {"sku": random.choice(ASSORTMENT), "quantity": random.randint(1, 4)}  # noqa: S311
