"""A quarter of an hour of a shop: visitors who look around, orders, some slow, some failing."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any, Final

from tests.console.order import KINDS, Order
from tests.console.running import Console
from tests.console.telemetry import attributes, logs, traces

ORDERS: Final = 110
VISITS: Final = 260
SPREAD_MS: Final = 840_000
MISSING: Final = 404


@dataclass
class Visit:
    """One GET of the orders service; many `queries` of one kind are the N+1 of a slow page."""

    number: int
    start_ns: int
    route: str
    queries: int
    stretch: float
    status: int = 200
    spans: list[dict[str, Any]] = field(default_factory=list)

    def send(self, console: Console) -> None:
        """Its spans and its line."""
        self._span("", f"GET {self.route}", "server", (0, 6 + 4 * self.queries), self._request())
        for place in range(self.queries):
            text = "SELECT * FROM orders_product WHERE id = %s"
            query: dict[str, object] = {
                "db.system": "postgresql",
                "db.namespace": "orders",
                "db.query.text": text,
            }
            at = (3 + 4.0 * place, 6 + 4.0 * place)
            self._span(self.spans[0]["spanId"], "SELECT orders_product", "client", at, query)
        console.send("/v1/traces", traces("orders", *self.spans))
        console.send("/v1/logs", logs("orders", self._line()))

    def _request(self) -> dict[str, object]:
        return {
            "http.request.method": "GET",
            "http.route": self.route,
            "http.response.status_code": self.status,
        }

    def _span(
        self, parent: str, name: str, kind: str, at: tuple[float, float], plain: dict[str, object]
    ) -> None:
        self.spans.append(
            {
                "traceId": f"{self.number:08x}a11ce0" + "0" * 18,
                "spanId": f"{self.number:08x}{len(self.spans) + 1:08x}",
                "parentSpanId": parent,
                "name": name,
                "kind": KINDS[kind],
                "startTimeUnixNano": str(self.start_ns + int(at[0] * self.stretch * 1e6)),
                "endTimeUnixNano": str(self.start_ns + int(at[1] * self.stretch * 1e6)),
                "attributes": attributes({"correlation_id": f"web-{self.number:04d}-41c9d2f0", **plain}),
                "status": {},
            }
        )

    def _line(self) -> dict[str, Any]:
        span = self.spans[0]
        return {
            "timeUnixNano": span["endTimeUnixNano"],
            "severityNumber": 13 if self.status == MISSING else 9,
            "body": {"stringValue": f"GET /{self.route} {self.status}"},
            "traceId": span["traceId"],
            "spanId": span["spanId"],
            "attributes": [*span["attributes"], *attributes({"logger": "django.request"})],
        }


def send(console: Console) -> Order:
    """Sends all of it, the same every time; returns an order whose payment and whose mail were refused."""
    chance = random.Random(7)
    end_ns = time.time_ns() - 2_000_000_000
    orders = [_order(chance, number, end_ns) for number in range(1, ORDERS)]
    told = Order(ORDERS, end_ns - 400_000_000)
    for number in range(VISITS):
        _visit(chance, number, end_ns).send(console)
    for order in (*sorted(orders, key=lambda one: one.start_ns), told):
        for path, body in order.requests():
            console.send(path, body)
    return told


def _order(chance: random.Random, number: int, end_ns: int) -> Order:
    start_ns = end_ns - chance.randrange(SPREAD_MS) * 1_000_000
    return Order(
        number,
        start_ns,
        fails=chance.random() < 0.04,
        stretch=chance.lognormvariate(0, 0.4),
        refused=chance.random() < 0.06,
    )


def _visit(chance: random.Random, number: int, end_ns: int) -> Visit:
    routes = (("api/products/", 1), ("api/products/<int:pk>/", 1), ("api/basket/", 8))
    route, queries = chance.choices(routes, (5, 8, 2))[0]
    start_ns = end_ns - chance.randrange(SPREAD_MS) * 1_000_000
    status = MISSING if "pk" in route and chance.random() < 0.05 else 200
    return Visit(number, start_ns, route, queries, chance.lognormvariate(0.4, 0.5), status)
