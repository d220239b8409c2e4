"""Questions to the console: what it has received about a trace or a correlation ID."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

HTTP_SECONDS = 5
POLL_SECONDS = 0.2
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Span:
    """A span as the console tells it."""

    service: str
    name: str
    kind: str
    id: str
    parent_id: str
    attributes: dict[str, Any]


class Telemetry:
    """What the console at this address knows."""

    def __init__(self, console: str) -> None:
        self._console = console

    def logs(self, correlation_id: str) -> list[dict[str, Any]]:
        """The log records under an ID."""
        answer = self._get("/api/logs", {"correlation_id": correlation_id, "limit": 200})
        return list(answer.get("logs", []))

    def trace_id(self, correlation_id: str) -> str:
        """The trace that the log records under an ID belong to, or nothing."""
        return next((log["trace_id"] for log in self.logs(correlation_id) if log.get("trace_id")), "")

    def spans(self, trace_id: str) -> list[Span]:
        """The spans of a trace, so far as they have arrived."""
        answer = self._get(f"/api/v3/traces/{trace_id}", {})
        resources = answer.get("result", {}).get("resourceSpans", [])
        return [
            _span(_attributes(resource["resource"]).get("service.name", ""), span)
            for resource in resources
            for scope in resource.get("scopeSpans", [])
            for span in scope.get("spans", [])
        ]

    def _get(self, path: str, query: dict[str, Any]) -> Any:
        try:
            response = requests.get(f"{self._console}{path}", params=query, timeout=HTTP_SECONDS)
            return response.json() if response.ok else {}
        except requests.RequestException:
            return {}


def wait_for(find: Callable[[], Found], enough: Callable[[Found], bool], seconds: float) -> Found:
    """Ask again until the answer is enough or the time is over; the last answer either way."""
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if enough(found) or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def _span(service: str, span: dict[str, Any]) -> Span:
    kind = span.get("kind", 0)
    if isinstance(kind, int):
        kind = KINDS[kind]
    return Span(
        service=service,
        name=span["name"],
        kind=kind.removeprefix("SPAN_KIND_").lower(),
        id=span["spanId"],
        parent_id=span.get("parentSpanId", ""),
        attributes=_attributes(span),
    )


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {
        attribute["key"]: next(iter(attribute["value"].values()), None)
        for attribute in holder.get("attributes", [])
    }
