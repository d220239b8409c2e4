"""A trace of the console's own, sent the way that services send: it shows whether anything could arrive."""

from __future__ import annotations

import http.client
import secrets
import time
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from django_observe.console.access import TOKEN_HEADER
from django_observe.console.instance import Console

_SECONDS: Final = 5.0
_SERVER, _INTERNAL = 2, 1
_INFO, _WARNING = 9, 13


class NotArrivedError(Exception):
    """The OTLP port did not take the trace; the text says why."""


def send(console: Console) -> str:
    """Sends a trace of three spans with two log lines to the OTLP port; its ID. Raises NotArrivedError."""
    trace_id = secrets.token_hex(16)
    spans, logs = _told(trace_id, f"test-{trace_id[:8]}", time.time_ns())
    _post(
        console, "/v1/traces", {"resourceSpans": [{"resource": _RESOURCE, "scopeSpans": [{"spans": spans}]}]}
    )
    _post(
        console, "/v1/logs", {"resourceLogs": [{"resource": _RESOURCE, "scopeLogs": [{"logRecords": logs}]}]}
    )
    return trace_id


def _attributes(**plain: str) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in plain.items()]


_RESOURCE: Final = {"attributes": [{"key": "service.name", "value": {"stringValue": "test"}}]}


def _told(
    trace_id: str, correlation_id: str, end_ns: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    top, first, second = (secrets.token_hex(8) for _ in range(3))
    begin_ns = end_ns - 48_000_000
    spans = [
        _span(trace_id, (top, ""), "Test of the console", (begin_ns, end_ns), _SERVER),
        _span(trace_id, (first, top), "first step", (begin_ns + 4_000_000, begin_ns + 20_000_000)),
        _span(trace_id, (second, top), "second step", (begin_ns + 22_000_000, end_ns - 3_000_000)),
    ]
    logs = [
        _log(trace_id, first, "This line belongs to the first step", _INFO, begin_ns + 12_000_000),
        _log(trace_id, second, "This is how a warning looks", _WARNING, begin_ns + 30_000_000),
    ]
    for record in (*spans, *logs):
        record["attributes"] = _attributes(correlation_id=correlation_id)
    return spans, logs


def _span(
    trace_id: str, ids: tuple[str, str], name: str, times_ns: tuple[int, int], kind: int = _INTERNAL
) -> dict[str, Any]:
    return {
        "traceId": trace_id,
        "spanId": ids[0],
        "parentSpanId": ids[1],
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(times_ns[0]),
        "endTimeUnixNano": str(times_ns[1]),
    }


def _log(trace_id: str, span_id: str, message: str, severity: int, time_ns: int) -> dict[str, Any]:
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "body": {"stringValue": message},
        "severityNumber": severity,
        "timeUnixNano": str(time_ns),
    }


def _post(console: Console, path: str, message: dict[str, Any]) -> None:
    address = urlsplit(console.otlp_url)
    headers = {"Content-Type": "application/json"}
    if console.access.token:
        headers[TOKEN_HEADER] = console.access.token
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_SECONDS)
    try:
        connection.request("POST", path, orjson.dumps(message), headers)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise NotArrivedError(f"{console.otlp_url}{path} answered {answer.status}")
        answer.read()
    except OSError as fault:
        raise NotArrivedError(f"{console.otlp_url}{path}: {fault}") from fault
    finally:
        connection.close()
