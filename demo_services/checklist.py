"""What has to be true of one order, asked of the running parts and of what they sent to the console."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from demo_services.demo import FirstOrder
from demo_services.finding import Finding
from demo_services.plan import SERVICES, Plan
from demo_services.telemetry import Span, Telemetry, wait_for

ARRIVE_SECONDS = 10
HTTP_SECONDS = 5
WEB_SPANS = {"server", "consumer"}


class Checklist:
    """The checks of one order in one demo."""

    def __init__(self, plan: Plan, first: FirstOrder) -> None:
        self._plan = plan
        self._first = first
        self._id = first.order.correlation_id
        self._telemetry = Telemetry(plan.ports.url("console"))

    def findings(self) -> list[Finding]:
        """Every check, in the order in which a request passes what they look at."""
        spans = wait_for(
            lambda: self._telemetry.spans(self._first.trace_id),
            lambda found: all(check(found).passed for check in self._span_checks()),
            ARRIVE_SECONDS,
        )
        return [
            self._response(),
            *[check(spans) for check in self._span_checks()],
            self._logs_at_console(),
            *[self._log_of(name) for name in (*SERVICES, "worker")],
            *[self._counted(name) for name in SERVICES],
            self._task_counted(),
            self._mail(),
        ]

    def _span_checks(self) -> list[Callable[[list[Span]], Finding]]:
        return [self._one_trace, self._across_http, self._across_queue, self._id_on_spans]

    def _response(self) -> Finding:
        same = self._id == self._first.order.answer["correlation_id"]
        return Finding(
            "the response carries the ID, in its header and its body", bool(self._id) and same, self._id
        )

    def _one_trace(self, spans: list[Span]) -> Finding:
        services = sorted({span.service for span in spans})
        passed = set(services) == set(SERVICES)
        return Finding(
            "one trace holds spans of all services", passed, f"{len(spans)} of {', '.join(services)}"
        )

    def _across_http(self, spans: list[Span]) -> Finding:
        pairs = _pairs(spans, ("orders", "client"), ("auth", "server"))
        return Finding("auth's span is the child of orders' call", bool(pairs), _told(pairs))

    def _across_queue(self, spans: list[Span]) -> Finding:
        pairs = _pairs(spans, ("orders", "producer"), ("notifications", "consumer"))
        return Finding("the task's span is the child of orders' publish", bool(pairs), _told(pairs))

    def _id_on_spans(self, spans: list[Span]) -> Finding:
        entries = [span for span in spans if span.kind in WEB_SPANS]
        carrying = [span for span in entries if span.attributes.get("correlation_id") == self._id]
        passed = bool(entries) and len(carrying) == len(entries)
        return Finding("spans carry the ID", passed, f"{len(carrying)} of {len(entries)} requests and tasks")

    def _logs_at_console(self) -> Finding:
        def services() -> set[str]:
            return {log["service"] for log in self._telemetry.logs(self._id)}

        found = wait_for(services, set(SERVICES).issubset, ARRIVE_SECONDS)
        passed = set(SERVICES).issubset(found)
        return Finding(
            "the console has log lines of all services under the ID", passed, ", ".join(sorted(found))
        )

    def _log_of(self, program: str) -> Finding:
        log = self._plan.state / "log" / f"{program}.log"
        if program == "notifications":
            # Its web server has no part in an order: it is asked, under the same ID, what became of it.
            address = f"{self._plan.ports.url(program)}/api/notifications/"
            query, headers = {"order_id": self._first.order.id}, {"X-Correlation-ID": self._id}
            with suppress(requests.RequestException):
                requests.get(address, params=query, headers=headers, timeout=HTTP_SECONDS)
        lines = wait_for(lambda: _lines_under(log, self._id), bool, ARRIVE_SECONDS)
        return Finding(f"{program} logs the ID as JSON on stdout", bool(lines), f"{len(lines)} of them")

    def _counted(self, service: str) -> Finding:
        value = self._sample(service, "django_http_requests_total_by_method_total")
        return Finding(f"{service} counts requests on /metrics", value > 0, f"{value:.0f}")

    def _task_counted(self) -> Finding:
        value = self._sample("worker_metrics", "celery_task_succeeded_total")
        return Finding("the worker counts the task on /metrics", value > 0, f"{value:.0f}")

    def _sample(self, port: str, metric: str) -> float:
        def total() -> float:
            try:
                text = requests.get(f"{self._plan.ports.url(port)}/metrics", timeout=HTTP_SECONDS).text
            except requests.RequestException:
                return 0
            return sum(
                float(value) for value in re.findall(rf"^{metric}(?:{{.*}})? (\S+)", text, re.MULTILINE)
            )

        return wait_for(total, lambda value: value > 0, ARRIVE_SECONDS)

    def _mail(self) -> Finding:
        mail = self._first.mail
        return Finding(
            "the mail about the order has arrived", mail is not None, mail["subject"] if mail else "none"
        )


def _pairs(spans: list[Span], parent: tuple[str, str], child: tuple[str, str]) -> list[tuple[Span, Span]]:
    parents = {span.id: span for span in spans if (span.service, span.kind) == parent}
    children = [span for span in spans if (span.service, span.kind) == child]
    return [(parents[span.parent_id], span) for span in children if span.parent_id in parents]


def _told(pairs: list[tuple[Span, Span]]) -> str:
    return "; ".join(f"{parent.name} → {child.name}" for parent, child in pairs[-1:]) or "none"


def _lines_under(log: Path, correlation_id: str) -> list[dict[str, Any]]:
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if correlation_id in line and line.startswith("{"):
            record = json.loads(line)
            if record.get("correlation_id") == correlation_id:
                found.append(record)
    return found
