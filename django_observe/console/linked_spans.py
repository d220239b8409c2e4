"""Spans of other traces that link to this one: tasks that it started, each in a trace of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

_PRODUCER, _CONSUMER = 4, 5
_ROWS: Final = 20_000
_MOST: Final = 100
_COLUMNS: Final = "trace_id, span_id, service, name, start_ns, dur_ns, status, links"
_BY_CORRELATION: Final = f"""SELECT {_COLUMNS} FROM span
  WHERE corr=? AND links<>'[]' AND trace_id<>? LIMIT {_ROWS}"""  # noqa: S608
_BY_ARRIVAL: Final = f"""SELECT {_COLUMNS} FROM span WHERE id BETWEEN ? AND ? AND kind={_CONSUMER}
  AND links<>'[]' AND trace_id<>?"""  # noqa: S608


class LinkedSpan(NamedTuple):
    """A span of another trace and what it links to in this one. IDs in hex, times in nanoseconds."""

    to: str
    trace_id: str
    span_id: str
    service: str
    name: str
    start_ns: int
    dur_ns: int
    status: int


def linking_to(
    connection: sqlite3.Connection, trace_id: bytes, corr: str | None, spans: Sequence[sqlite3.Row]
) -> list[LinkedSpan]:
    """At most 100 of the same correlation ID, or that arrived soon after a trace which sent messages."""
    rows: list[Any] = []
    if corr:
        rows += connection.execute(_BY_CORRELATION, (corr, trace_id))
    if any(span["kind"] == _PRODUCER for span in spans):
        first = min(span["id"] for span in spans)
        rows += connection.execute(_BY_ARRIVAL, (first, first + _ROWS, trace_id))
    found: dict[tuple[str, str], LinkedSpan] = {}
    for row in rows:
        for link in orjson.loads(row["links"]):
            if link["trace_id"] == trace_id.hex() and len(found) < _MOST:
                span = LinkedSpan(
                    link["span_id"],
                    row["trace_id"].hex(),
                    row["span_id"].hex(),
                    row["service"],
                    row["name"],
                    row["start_ns"],
                    row["dur_ns"],
                    row["status"],
                )
                found[link["span_id"], span.span_id] = span
    return sorted(found.values(), key=lambda span: span.start_ns)
