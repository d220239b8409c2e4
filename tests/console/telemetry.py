"""Hand-made OTLP/JSON: spans, log records and the requests around them."""

from __future__ import annotations

import time
from typing import Any


def value(plain: object) -> dict[str, Any]:
    """An AnyValue."""
    if isinstance(plain, bool):
        return {"boolValue": plain}
    if isinstance(plain, int):
        return {"intValue": str(plain)}
    if isinstance(plain, float):
        return {"doubleValue": plain}
    return {"stringValue": str(plain)}


def attributes(plain: dict[str, object]) -> list[dict[str, Any]]:
    """KeyValues."""
    return [{"key": key, "value": value(one)} for key, one in plain.items()]


def resource(service: str) -> dict[str, Any]:
    """What our services say about themselves."""
    return {
        "attributes": attributes(
            {
                "service.name": service,
                "service.version": "1.4.2",
                "deployment.environment.name": "dev",
                "service.instance.id": f"{service}-7f3a",
            }
        )
    }


def traces(service: str, *spans: dict[str, Any]) -> dict[str, Any]:
    """An ExportTraceServiceRequest."""
    return {"resourceSpans": [{"resource": resource(service), "scopeSpans": [{"spans": list(spans)}]}]}


def logs(service: str, *records: dict[str, Any]) -> dict[str, Any]:
    """An ExportLogsServiceRequest."""
    return {"resourceLogs": [{"resource": resource(service), "scopeLogs": [{"logRecords": list(records)}]}]}


def span(trace_id: str, span_id: str, name: str = "work", parent: str = "", **fields: Any) -> dict[str, Any]:
    """A span of 10 ms that started now, unless `fields` say otherwise."""
    start = time.time_ns()
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 10_000_000),
        **fields,
    }


def log(message: str, **fields: Any) -> dict[str, Any]:
    """An INFO log record of now, unless `fields` say otherwise."""
    return {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 9,
        "body": {"stringValue": message},
        **fields,
    }


def at(start_ns: int, took_ns: int = 10**6, **fields: Any) -> dict[str, Any]:
    """The times of a span, in nanoseconds, beside its other fields."""
    return {"startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + took_ns), **fields}
