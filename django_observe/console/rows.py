"""What the receiver hands to the writer: plain rows, already bounded and safe to store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class Resource:
    """Who sent a record; stored once and referred to by the hash of its attributes."""

    hash: bytes
    service: str
    instance: str
    attrs: str


class SpanRow(NamedTuple):
    """One span. Times are Unix nanoseconds; `attrs`, `events`, `links` are JSON."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes | None
    resource: Resource
    scope: str
    name: str
    kind: int
    start_ns: int
    dur_ns: int
    status: int
    status_msg: str
    corr: str | None
    route: str | None
    http: int | None
    attrs: str
    events: str
    links: str
    listed_ns: int


class LogRow(NamedTuple):
    """One log record. `error` is the exception's type and message, searchable beside the body."""

    ts: int
    resource: Resource
    sev: int
    logger: str
    body: str
    error: str
    trace_id: bytes | None
    span_id: bytes | None
    corr: str | None
    attrs: str
    listed_ns: int


@dataclass
class Decoded:
    """The rows of one export request, and how many of its records were refused and why."""

    spans: list[SpanRow] = field(default_factory=list)
    logs: list[LogRow] = field(default_factory=list)
    rejected: int = 0
    reason: str = ""

    def reject(self, reason: str) -> None:
        """Counts one refused record; the first reason is told to the sender."""
        self.rejected += 1
        self.reason = self.reason or reason
