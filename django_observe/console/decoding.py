"""OTLP export requests (protobuf or JSON) into rows. One bad record is refused, never the batch around it."""

from __future__ import annotations

import time
from typing import Any, Final

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from django_observe.console import limits, otlp_json, values
from django_observe.console.rows import Decoded, LogRow, Resource, SpanRow

CORRELATION_KEYS: Final = (
    "correlation_id",
    "correlation.id",
    "http.request.header.x_correlation_id",
    "http.request.header.x-correlation-id",
)
_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_DAY_NS: Final = 86_400 * 10**9


class UnreadableError(ValueError):
    """The body is not an OTLP export request."""


def parse(body: bytes, message: Message, *, as_json: bool) -> None:
    """Fills `message` from `body`. Raises UnreadableError."""
    try:
        if as_json:
            otlp_json.parse(body, message)
        else:
            message.ParseFromString(body)
    except (DecodeError, otlp_json.JSONError) as fault:
        raise UnreadableError(str(fault)[:300]) from fault


def decode_traces(body: bytes, *, as_json: bool) -> Decoded:
    """Rows of a POST to /v1/traces."""
    request = ExportTraceServiceRequest()
    parse(body, request, as_json=as_json)
    decoded, now = Decoded(), time.time_ns()
    for group in request.resource_spans:
        resource = _resource(group.resource)
        for scoped in group.scope_spans:
            scope = values.text(scoped.scope.name, limits.NAME_CHARS)
            for span in scoped.spans:
                if len(span.trace_id) != _TRACE_ID_BYTES or not any(span.trace_id):
                    decoded.reject("trace_id must be 16 bytes and not all zero")
                elif len(span.span_id) != _SPAN_ID_BYTES or not any(span.span_id):
                    decoded.reject("span_id must be 8 bytes and not all zero")
                else:
                    decoded.spans.append(_span(span, resource, scope, now))
    return decoded


def decode_logs(body: bytes, *, as_json: bool) -> Decoded:
    """Rows of a POST to /v1/logs."""
    request = ExportLogsServiceRequest()
    parse(body, request, as_json=as_json)
    decoded, now = Decoded(), time.time_ns()
    for group in request.resource_logs:
        resource = _resource(group.resource)
        for scoped in group.scope_logs:
            for record in scoped.log_records:
                if len(record.trace_id) not in (0, _TRACE_ID_BYTES) or len(record.span_id) not in (
                    0,
                    _SPAN_ID_BYTES,
                ):
                    decoded.reject("trace_id must be empty or 16 bytes, span_id empty or 8 bytes")
                else:
                    decoded.logs.append(_log(record, resource, scoped.scope.name, now))
    return decoded


def _resource(resource: Any) -> Resource:
    attrs = values.bounded(values.attributes(resource.attributes))
    encoded = values.dump(attrs)
    return Resource(
        hash=values.digest(encoded),
        service=values.text(values.first_text(attrs, "service.name") or "unknown_service", limits.NAME_CHARS),
        instance=values.first_text(attrs, "service.instance.id") or "",
        attrs=encoded,
    )


def _span(span: Any, resource: Resource, scope: str, now: int) -> SpanRow:
    attrs = values.bounded(values.attributes(span.attributes))
    start = values.whole(span.start_time_unix_nano)
    parent = span.parent_span_id
    return SpanRow(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=parent if len(parent) == _SPAN_ID_BYTES and any(parent) else None,
        resource=resource,
        scope=scope,
        name=values.text(span.name, limits.NAME_CHARS) or "(unnamed)",
        kind=span.kind,
        start_ns=start,
        dur_ns=max(values.whole(span.end_time_unix_nano) - start, 0),
        status=span.status.code,
        status_msg=values.text(span.status.message),
        corr=values.first_text(attrs, *CORRELATION_KEYS),
        route=values.first_text(attrs, "http.route"),
        http=values.first_whole(attrs, "http.response.status_code", "http.status_code"),
        attrs=values.dump(attrs),
        events=values.dump([_event(event) for event in span.events[: limits.EVENTS]]),
        links=values.dump([_link(link) for link in span.links[: limits.EVENTS]]),
        listed_ns=_listed(start, now),
    )


def _event(event: Any) -> dict[str, Any]:
    return {
        "name": values.text(event.name, limits.NAME_CHARS),
        "ts": values.whole(event.time_unix_nano),
        "attrs": values.bounded(values.attributes(event.attributes)),
    }


def _link(link: Any) -> dict[str, Any]:
    return {
        "trace_id": link.trace_id.hex(),
        "span_id": link.span_id.hex(),
        "attrs": values.bounded(values.attributes(link.attributes)),
    }


def _log(record: Any, resource: Resource, scope: str, now: int) -> LogRow:
    attrs = values.bounded(values.attributes(record.attributes))
    stated = record.time_unix_nano or record.observed_time_unix_nano
    error = (
        values.first_text(attrs, "error_type", "exception.type"),
        values.first_text(attrs, "error_message", "exception.message"),
    )
    return LogRow(
        ts=values.whole(stated) if stated else now,
        resource=resource,
        sev=record.severity_number,
        logger=values.first_text(attrs, "logger") or values.text(scope, limits.NAME_CHARS),
        body=_body(record.body),
        error=": ".join(part for part in error if part),
        trace_id=record.trace_id if any(record.trace_id) else None,
        span_id=record.span_id if any(record.span_id) else None,
        corr=values.first_text(attrs, *CORRELATION_KEYS),
        attrs=values.dump(attrs),
        listed_ns=_listed(values.whole(stated), now),
    )


def _body(body: Any) -> str:
    if body.WhichOneof("value") == "string_value":
        return values.text(body.string_value, limits.BODY_CHARS)
    data = values.plain(body)
    return "" if data is None else values.text(values.dump(data), limits.BODY_CHARS)


def _listed(stated: int, now: int) -> int:
    """A record whose clock is more than a day off is kept with its time but listed by receipt."""
    return stated if abs(stated - now) <= _DAY_NS else now
