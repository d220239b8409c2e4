"""Stored spans as OTLP's TracesData in JSON: ids in hex, 64-bit numbers as strings, enums as numbers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import orjson

from django_observe.console import limits, masking

_SPANS = """SELECT span.*, resource.attrs AS resource_attrs FROM span
  JOIN resource ON resource.id=span.resource WHERE trace_id=? ORDER BY start_ns, span.id LIMIT ?"""


def traces_data(connection: sqlite3.Connection, trace_ids: Iterable[bytes]) -> dict[str, Any]:
    """`{"resourceSpans": [...]}` of the given traces; no element for what is not stored."""
    groups: dict[tuple[bytes, int], dict[str, Any]] = {}
    scopes: dict[tuple[bytes, int, str], dict[str, Any]] = {}
    for trace_id in trace_ids:
        for row in connection.execute(_SPANS, (trace_id, limits.TRACE_ROWS)):
            key = (trace_id, row["resource"])
            if key not in groups:
                attributes = key_values(orjson.loads(row["resource_attrs"]))
                groups[key] = {"resource": {"attributes": attributes}, "scopeSpans": []}
            scope_key = (*key, row["scope"])
            if scope_key not in scopes:
                scopes[scope_key] = {"scope": {"name": row["scope"]} if row["scope"] else {}, "spans": []}
                groups[key]["scopeSpans"].append(scopes[scope_key])
            scopes[scope_key]["spans"].append(_span(row))
    return {"resourceSpans": list(groups.values())}


def _span(row: sqlite3.Row) -> dict[str, Any]:
    end_ns = row["start_ns"] + row["dur_ns"]
    status = {"code": row["status"]} if row["status"] else {}
    span = {
        "traceId": row["trace_id"].hex(),
        "spanId": row["span_id"].hex(),
        "parentSpanId": row["parent_id"].hex() if row["parent_id"] else "",
        "name": row["name"],
        "kind": row["kind"],
        "startTimeUnixNano": str(row["start_ns"]),
        "endTimeUnixNano": str(end_ns),
        "attributes": key_values(orjson.loads(row["attrs"])),
        "events": [_event(event) for event in orjson.loads(row["events"])],
        "links": [_link(link) for link in orjson.loads(row["links"])],
        "status": {**status, "message": row["status_msg"]} if row["status_msg"] else status,
    }
    return {key: value for key, value in span.items() if key == "status" or value not in ("", [], None)}


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event["ts"]),
        "name": event["name"],
        "attributes": key_values(event["attrs"]),
    }


def _link(link: dict[str, Any]) -> dict[str, Any]:
    return {"traceId": link["trace_id"], "spanId": link["span_id"], "attributes": key_values(link["attrs"])}


def key_values(attrs: dict[str, Any]) -> list[dict[str, Any]]:
    """OTLP KeyValues, with the values of secret-looking keys masked."""
    return [{"key": key, "value": _value(value)} for key, value in masking.masked(attrs).items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    if isinstance(value, dict):
        return {
            "kvlistValue": {"values": [{"key": key, "value": _value(item)} for key, item in value.items()]}
        }
    return {} if value is None else {"stringValue": str(value)}
