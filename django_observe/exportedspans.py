"""Spans as our export tells them, read back from what it would send: for tests of what must not leave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status, StatusCode

from django_observe import otlpspans, spansize


def exported(span: ReadableSpan) -> ReadableSpan:
    """What a receiver is told of `span`: masked and cut down, with the same identity."""
    fitted, _ = spansize.fitted(span)
    request = ExportTraceServiceRequest.FromString(otlpspans.encode([fitted]))
    group = request.resource_spans[0]
    told = group.scope_spans[0].spans[0]
    code = span.status.status_code
    return ReadableSpan(
        name=told.name,
        context=span.context,
        parent=span.parent,
        resource=Resource(_values(group.resource.attributes)),
        attributes=_values(told.attributes),
        events=[Event(event.name, _values(event.attributes), event.time_unix_nano) for event in told.events],
        links=[
            Link(link.context, _values(sent.attributes))
            for link, sent in zip(fitted.links, told.links, strict=True)
        ],
        kind=span.kind,
        status=Status(code, told.status.message if code is StatusCode.ERROR else None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _values(fields: Iterable[KeyValue]) -> dict[str, Any]:
    return {field.key: _value(field.value) for field in fields}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _values(value.kvlist_value.values)
    return getattr(value, kind) if kind else None
