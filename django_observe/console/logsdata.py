"""Stored log lines as OTLP's LogsData in JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import orjson

from django_observe.console import limits
from django_observe.console.severity import level_name
from django_observe.console.tracesdata import key_values

_LOGS = (
    "SELECT log.*, resource.attrs AS resource_attrs FROM log JOIN resource ON resource.id=log.resource WHERE "
)


def logs_data(connection: sqlite3.Connection, trace_id: bytes) -> dict[str, Any]:
    """`{"resourceLogs": [...]}` of a trace, a scope per logger."""
    query = f"{_LOGS} trace_id=? ORDER BY ts, log.id LIMIT ?"
    return _told(connection.execute(query, (trace_id, limits.TRACE_ROWS)))


def lone_logs_data(connection: sqlite3.Connection, after: int) -> tuple[dict[str, Any], int | None]:
    """The next lines that belong to no trace, and the number of the last of them; None when they were all."""
    query = f"{_LOGS} trace_id IS NULL AND log.id>? ORDER BY log.id LIMIT ?"
    rows = connection.execute(query, (after, limits.PAGE_ROWS)).fetchall()
    return _told(rows), rows[-1]["id"] if len(rows) == limits.PAGE_ROWS else None


def _told(rows: Iterable[sqlite3.Row]) -> dict[str, Any]:
    groups: dict[int, dict[str, Any]] = {}
    scopes: dict[tuple[int, str], dict[str, Any]] = {}
    for row in rows:
        group = groups.get(row["resource"])
        if group is None:
            resource = {"attributes": key_values(orjson.loads(row["resource_attrs"]))}
            group = groups[row["resource"]] = {"resource": resource, "scopeLogs": []}
        scope = scopes.get((row["resource"], row["logger"]))
        if scope is None:
            scope = {"scope": {"name": row["logger"]} if row["logger"] else {}, "logRecords": []}
            scopes[row["resource"], row["logger"]] = scope
            group["scopeLogs"].append(scope)
        scope["logRecords"].append(_record(row))
    return {"resourceLogs": list(groups.values())}


def _record(row: sqlite3.Row) -> dict[str, Any]:
    record = {
        "timeUnixNano": str(row["ts"]),
        "severityNumber": row["sev"],
        "severityText": level_name(row["sev"]),
        "body": {"stringValue": row["body"]},
        "attributes": key_values(orjson.loads(row["attrs"])),
        "traceId": row["trace_id"].hex() if row["trace_id"] else "",
        "spanId": row["span_id"].hex() if row["span_id"] else "",
    }
    return {key: value for key, value in record.items() if value not in ("", [])}
