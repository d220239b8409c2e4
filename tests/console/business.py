"""One business action in several traces: an order, its payment's webhook, a retried task, a lost message."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.console.running import Console
from tests.console.telemetry import attributes, logs, traces

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
REFUSED = "OperationalError('connection refused')"


@dataclass
class Business:
    """Times are milliseconds since `start_ns`; IDs derive from `number`."""

    number: int = 1
    start_ns: int = field(default_factory=lambda: time.time_ns() - 120 * 10**9)

    def __post_init__(self) -> None:
        self.id = f"checkout-{self.number:06d}"
        self.shop, self.webhook, self.invoice = (f"{self.number:08x}{one:024x}" for one in (1, 2, 3))
        self._ids = (f"{self.number:08x}{count:08x}" for count in itertools.count(1))
        self._untold: list[tuple[str, dict[str, Any]]] = []
        self._order()
        self._webhook()

    def send(self, console: Console) -> None:
        """Delivers what was told since the last time."""
        for path, body in self._untold:
            console.send(path, body)
        self._untold.clear()

    def take_up(self) -> None:
        """The message that nobody heard is heard after all."""
        done: dict[str, object] = {"celery.task_name": "stock.reserve", "celery.state": "SUCCESS"}
        self.span("stock", "run/stock.reserve", CONSUMER, (400, 420), self.shop, self._unheard, done)

    def span(  # noqa: PLR0917 - as in order.py
        self, service: str, name: str, kind: int, at: tuple[float, float], trace: str, parent: str = "",
        attrs: dict[str, object] | None = None, **fields: Any,
    ) -> str:  # fmt: skip
        span_id = next(self._ids)
        made = {
            "traceId": trace, "spanId": span_id, "parentSpanId": parent, "name": name, "kind": kind,
            "startTimeUnixNano": str(self._at(at[0])), "endTimeUnixNano": str(self._at(at[1])),
            "attributes": attributes({"correlation_id": self.id, **(attrs or {})}), **fields,
        }  # fmt: skip
        self._untold.append(("/v1/traces", traces(service, made)))
        return span_id

    def log(  # noqa: PLR0917
        self, service: str, at: float, severity: int, text: str, trace: str, span_id: str
    ) -> None:
        record = {
            "timeUnixNano": str(self._at(at)), "severityNumber": severity, "body": {"stringValue": text},
            "traceId": trace, "spanId": span_id,
            "attributes": attributes({"correlation_id": self.id, "logger": f"{service}.views"}),
        }  # fmt: skip
        self._untold.append(("/v1/logs", logs(service, record)))

    def _at(self, milliseconds: float) -> int:
        return self.start_ns + int(milliseconds * 1_000_000)

    def _order(self) -> None:
        status = {"http.response.status_code": 201, "http.route": "checkout/"}
        top = self.span("shop", "POST checkout/", SERVER, (0, 180), self.shop, attrs=status)
        self.span("shop", "INSERT", CLIENT, (10, 22), self.shop, top, {"db.system.name": "postgresql"})
        pay = {"url.full": "https://pay.example/intents?key=s", "server.address": "pay.example"}
        self.span(
            "shop", "POST", CLIENT, (30, 120), self.shop, top, {**pay, "http.response.status_code": 200}
        )
        self.log("shop", 125, 9, "payment intent created", self.shop, top)
        queue = {"messaging.destination.name": "stock"}
        self._unheard = self.span("shop", "apply_async/reserve", PRODUCER, (150, 152), self.shop, top, {
            **queue, "celery.action": "apply_async", "celery.task_name": "stock.reserve",
        })  # fmt: skip

    def _webhook(self) -> None:
        status = {"http.response.status_code": 200, "http.route": "webhooks/paid/"}
        top = self.span(
            "payments", "POST webhooks/paid/", SERVER, (42_000, 42_060), self.webhook, attrs=status
        )
        published = self.span(
            "payments", "apply_async/invoice", PRODUCER, (42_040, 42_042), self.webhook, top
        )
        for attempt, (start, end) in enumerate(self._runs(), 1):
            last = attempt == 3
            state = {"celery.state": "SUCCESS" if last else "RETRY"}
            reason = {} if last else {"celery.retry.reason": f"Retry in 8s: {REFUSED}"}
            run = self.span(
                "billing", "run/billing.invoice", CONSUMER, (start, end), self.invoice,
                attrs={**state, **reason, "celery.task_name": "billing.invoice",
                       "messaging.message.id": f"task-{self.number}", "celery.queue_wait_ms": 30.0},
                links=[{"traceId": self.webhook, "spanId": published}],
            )  # fmt: skip
            text = "invoice mailed to ada@example.org" if last else "ledger cannot be reached"
            self.log("billing", end - 2, 9 if last else 13, text, self.invoice, run)
        self.span("billing", "smtp send", CLIENT, (58_110, 58_140), self.invoice, run)

    def _runs(self) -> Iterator[tuple[float, float]]:
        yield from ((42_110, 42_160), (50_100, 50_150), (58_100, 58_160))
