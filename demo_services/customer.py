"""A customer of the shop, who knows nothing but its public APIs."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import requests

from demo_services.ports import Ports

HTTP_SECONDS = 10
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that was accepted, and the ID that its response carried."""

    id: str
    correlation_id: str
    answer: dict[str, Any]


class Customer:
    """Registers on creation and gets a token; raises requests.RequestException when a service says no."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._http = requests.Session()
        name, password = f"ada-{secrets.token_hex(3)}", secrets.token_urlsafe(12)
        self.email = f"{name}@example.com"
        self._post("auth", "/api/register/", {"username": name, "email": self.email, "password": password})
        tokens = self._post("auth", "/api/token/", {"username": name, "password": password}).json()
        self._http.headers["Authorization"] = f"Bearer {tokens['access']}"

    def order(self, sku: str = "TEA-GREEN", quantity: int = 2) -> PlacedOrder:
        """Place an order."""
        response = self._post("orders", "/api/orders/", {"sku": sku, "quantity": quantity})
        answer = response.json()
        return PlacedOrder(answer["id"], response.headers.get("X-Correlation-ID", ""), answer)

    def mail_about(self, order: PlacedOrder, seconds: float) -> dict[str, Any] | None:
        """The mail that confirms the order, as soon as it has arrived; None when it does not in that time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            mails = self._http.get(f"{self._ports.url('mail')}/", timeout=HTTP_SECONDS).json()
            for mail in mails:
                if order.id in mail["subject"] and self.email in mail["to"]:
                    found: dict[str, Any] = mail
                    return found
            time.sleep(POLL_SECONDS)
        return None

    def _post(self, service: str, path: str, body: dict[str, Any]) -> requests.Response:
        response = self._http.post(f"{self._ports.url(service)}{path}", json=body, timeout=HTTP_SECONDS)
        response.raise_for_status()
        return response
