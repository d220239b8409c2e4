"""A span as the differential test compares it: everything but IDs, times and its resource, as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import ReadableSpan

from tests.collector import Received, plain

REMOTE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""The `traceparent` of rows that continue a trace."""

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_OF_A_PROCESS = (
    (re.compile(r"\bgen\d+@\S+"), "<node>"),
    (re.compile(r"\bs\d+_x\d+\b"), "<savepoint>"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT[\d:.]+\+00:00"), "<time>"),
)
"""What no two processes have in common: names of nodes and savepoints, times."""


@dataclass
class Seen:
    """What of a span is compared; `parent` and `trace` say where it hangs among the spans of its row."""

    name: str
    kind: str
    scope: str
    parent: str
    trace: str
    status: tuple[str, str] = ("UNSET", "")
    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    links: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    trace_state: str = ""


def of_readable(spans: Iterable[ReadableSpan]) -> list[Seen]:
    """Spans that a processor was given, by way of OpenTelemetry's own encoder."""
    groups = encode_spans(list(spans)).resource_spans
    return of_received(
        Received(span, {}, scope.scope.name)
        for group in groups
        for scope in group.scope_spans
        for span in scope.spans
    )


def of_received(received: Iterable[Received]) -> list[Seen]:
    """Spans that a receiver was sent, in the order of their starts."""
    spans = sorted(received, key=lambda each: (each.raw.start_time_unix_nano, each.raw.end_time_unix_nano))
    places = {each.span_id: f"span {number}" for number, each in enumerate(spans)}
    traces = {REMOTE.split("-")[1]: "remote"}
    for each in spans:
        traces.setdefault(each.trace_id, f"trace {len(traces)}")
    places[REMOTE.split("-")[2]] = "remote"
    renamed = _Renamed(traces)
    return [_seen(each, places, traces, renamed) for each in spans]


class _Renamed:
    """UUIDs and trace IDs in the texts of one row, by the order in which they come."""

    def __init__(self, traces: dict[str, str]) -> None:
        self._traces, self._ids = traces, dict[str, str]()

    def __call__(self, value: Any) -> Any:
        """The value with what differs from process to process named, in lists as well."""
        if isinstance(value, str):
            for pattern, name in _OF_A_PROCESS:
                value = pattern.sub(name, value)
            return self._traces.get(value) or _UUID.sub(self._number, value)
        return [self(item) for item in value] if isinstance(value, list) else value

    def _number(self, found: re.Match[str]) -> str:
        return self._ids.setdefault(found[0], f"<id {len(self._ids)}>")

    def attributes(self, pairs: Any) -> dict[str, Any]:
        """Attributes with their IDs renamed; of a stack its last line, for the frames differ."""
        told = {key: self(value) for key, value in sorted(plain(pairs).items())}
        if "celery.queue_wait_ms" in told:
            told["celery.queue_wait_ms"] = type(told["celery.queue_wait_ms"]).__name__
        if "exception.stacktrace" in told:
            told["exception.stacktrace"] = told["exception.stacktrace"].rstrip().rpartition("\n")[2]
        return told


def _seen(each: Received, places: dict[str, str], traces: dict[str, str], renamed: _Renamed) -> Seen:
    raw: Span = each.raw
    place: Callable[[bytes], str] = lambda found: places.get(found.hex(), "elsewhere") if found else ""  # noqa: E731
    return Seen(
        name=raw.name,
        kind=Span.SpanKind.Name(raw.kind).removeprefix("SPAN_KIND_"),
        scope=each.scope,
        parent=place(raw.parent_span_id),
        trace=traces[each.trace_id],
        status=(Status.StatusCode.Name(raw.status.code).removeprefix("STATUS_CODE_"), raw.status.message),
        attributes=renamed.attributes(raw.attributes),
        events=[(event.name, renamed.attributes(event.attributes)) for event in raw.events],
        links=[(place(link.span_id), renamed.attributes(link.attributes)) for link in raw.links],
        trace_state=raw.trace_state,
    )
