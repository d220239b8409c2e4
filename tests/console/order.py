"""One order through auth, orders, a payment API, Celery and notifications, as the services would tell it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.console.telemetry import attributes, logs, traces

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
SEVERITIES = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17}
STACK = """Traceback (most recent call last):
  File "/srv/notifications/mail.py", line 42, in send
    smtp.sendmail(SENDER, [recipient], message)
  File "/usr/lib/python3.12/smtplib.py", line 901, in sendmail
    raise SMTPRecipientsRefused(senderrs)
smtplib.SMTPRecipientsRefused: {'ada@example.org': (450, b'Mailbox busy')}
"""


@dataclass
class Order:
    """The story. `start_ns` is when the browser asked, which by default is over; ids derive from `number`.

    `fails`: the mail is not taken; `refused`: the payment API answers 503 first.
    """

    number: int = 1
    start_ns: int = field(default_factory=lambda: time.time_ns() - 2 * 10**9)
    fails: bool = True
    refused: bool = True
    stretch: float = 1.0

    def __post_init__(self) -> None:
        self.trace_id = f"{self.number:04x}5f2c9be1d04a7788c3d2e1f0a9b8"
        self.correlation_id = f"ord-{self.number:04d}-8c1f2ab77e"
        self._ids = (f"{self.number:04x}{count:012x}" for count in itertools.count(1))
        self.spans: dict[str, list[dict[str, Any]]] = {"auth": [], "orders": [], "notifications": []}
        self.logs: dict[str, list[dict[str, Any]]] = {"auth": [], "orders": [], "notifications": []}
        self._tell()

    def requests(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(path, body) of every export request, children before parents as exporters like to do."""
        for service in ("notifications", "auth", "orders"):
            yield "/v1/logs", logs(service, *self.logs[service])
            yield "/v1/traces", traces(service, *reversed(self.spans[service]))

    def _span(  # noqa: PLR0917
        self,
        service: str,
        name: str,
        kind: str,
        at: tuple[float, float],
        parent: str = "",
        attrs: dict[str, object] | None = None,
        failed: str = "",
        events: list[dict[str, Any]] | None = None,
    ) -> str:
        span_id = next(self._ids)
        self.spans[service].append(
            {
                "traceId": self.trace_id,
                "spanId": span_id,
                "parentSpanId": parent,
                "name": name,
                "kind": KINDS[kind],
                "startTimeUnixNano": str(self._at(at[0])),
                "endTimeUnixNano": str(self._at(at[1])),
                "attributes": attributes({"correlation_id": self.correlation_id, **(attrs or {})}),
                "events": events or [],
                "status": {"code": 2, "message": failed} if failed else {},
            }
        )
        return span_id

    def _log(self, service: str, at: float, level: str, message: str, span_id: str, **attrs: Any) -> None:
        self.logs[service].append(
            {
                "timeUnixNano": str(self._at(at)),
                "severityNumber": SEVERITIES[level],
                "severityText": level,
                "body": {"stringValue": message},
                "traceId": self.trace_id,
                "spanId": span_id,
                "attributes": attributes(
                    {"logger": f"{service}.views", "correlation_id": self.correlation_id, **attrs}
                ),
            }
        )

    def _at(self, milliseconds: float) -> int:
        return self.start_ns + int(milliseconds * self.stretch * 1_000_000)

    def _tell(self) -> None:
        top = self._span(
            "orders", "POST api/orders/", "server", (0, 148), attrs={
                "http.request.method": "POST", "url.path": "/api/orders/", "http.route": "api/orders/",
                "http.response.status_code": 201, "server.address": "127.0.0.1",
                "http.request.header.authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.secret",
            },
        )  # fmt: skip
        self._log("orders", 3, "DEBUG", "token verified with key 2026-11", top)
        self._sql("orders", "SELECT", "orders_product", (5, 8.2), top)
        self._ask_auth(top)
        self._charge(top)
        saved = self._span(
            "orders", "save order", "internal", (112, 131), top, attrs={"order.id": 1000 + self.number}
        )
        self._sql("orders", "BEGIN", "", (112.4, 112.9), saved)
        self._sql("orders", "INSERT", "orders_order", (113, 121), saved)
        self._sql("orders", "COMMIT", "", (124, 130), saved)
        published = self._span(
            "orders", "apply_async/order_created", "producer", (134, 141), top,
            attrs={"messaging.system": "redis", "messaging.destination.name": "notifications"},
        )  # fmt: skip
        self._log(
            "orders",
            147,
            "INFO",
            "POST /api/orders/ 201",
            top,
            event="request",
            status=201,
            duration_ms=147.6,
        )
        self._notify(published)

    def _sql(self, service: str, verb: str, table: str, at: tuple[float, float], parent: str) -> None:
        text = f"{verb} * FROM {table} WHERE id = %s" if verb == "SELECT" else f"{verb} {table}".strip()
        self._span(
            service, f"{verb} {table}".strip(), "client", at, parent,
            attrs={"db.system": "postgresql", "db.namespace": service, "db.query.text": text},
        )  # fmt: skip

    def _ask_auth(self, top: str) -> None:
        call = self._span(
            "orders", "GET", "client", (12, 48), top,
            attrs={"url.full": "http://127.0.0.1:8001/api/users/7/", "http.response.status_code": 200},
        )  # fmt: skip
        served = self._span(
            "auth", "GET api/users/<int:pk>/", "server", (15, 45), call,
            attrs={"http.route": "api/users/<int:pk>/", "http.response.status_code": 200},
        )  # fmt: skip
        self._sql("auth", "SELECT", "auth_user", (20, 39), served)
        self._log(
            "auth", 44, "INFO", "GET /api/users/7/ 200", served, event="request", status=200, db_ms=19.0
        )

    def _charge(self, top: str) -> None:
        if self.refused:
            self._refuse(top)
        self._span(
            "orders", "POST", "client", (90, 109), top,
            attrs={"url.full": "https://pay.example/charges", "http.response.status_code": 200},
        )  # fmt: skip
        self._log("orders", 110, "INFO", "charged 42.00 EUR", top, **{"payment.id": "ch_9f2"})

    def _refuse(self, top: str) -> None:
        self._span(
            "orders", "POST", "client", (52, 74), top, failed="503 Service Unavailable",
            attrs={"url.full": "https://pay.example/charges", "http.response.status_code": 503},
        )  # fmt: skip
        self._log("orders", 75, "WARNING", "payment API answered 503, attempt 1 of 3, next in 14 ms", top)

    def _notify(self, published: str) -> None:
        error = "SMTPRecipientsRefused: {'ada@example.org': (450, b'Mailbox busy')}" if self.fails else ""
        raised = {
            "timeUnixNano": str(self._at(331)),
            "name": "exception",
            "attributes": attributes(
                {
                    "exception.type": "smtplib.SMTPRecipientsRefused",
                    "exception.message": "{'ada@example.org': (450, b'Mailbox busy')}",
                    "exception.stacktrace": STACK,
                }
            ),
        }
        run = self._span(
            "notifications", "run/order_created", "consumer", (262, 338), published, failed=error,
            events=[raised] if error else [],
            attrs={"celery.task_name": "order_created", "attempt": 1},
        )  # fmt: skip
        self._log(
            "notifications",
            264,
            "INFO",
            f"order {1000 + self.number} received, writing to ada@example.org",
            run,
        )
        self._sql("notifications", "SELECT", "notifications_template", (267, 274), run)
        self._span("notifications", "smtp send", "client", (280, 330), run, failed=error)
        if error:
            self._log(
                "notifications", 333, "ERROR", "mail could not be sent, the task is retried", run,
                error_type="SMTPRecipientsRefused", error_message="(450, b'Mailbox busy')", stack=STACK,
            )  # fmt: skip
        self._log("notifications", 337, "INFO", "task order_created", run, event="task", queue_wait_ms=121)
