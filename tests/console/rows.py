"""Stored spans and log lines as plain dictionaries, for the model of a trace. Times in milliseconds."""

from __future__ import annotations

import itertools
from typing import Any

import orjson

MS = 10**6
TRACE = b"t" * 16
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
_numbers = itertools.count(1)


def span(name: str, parent: str = "", start: float = 0, length: float = 10, **fields: Any) -> dict[str, Any]:
    """A stored span; its ID is its name unless `id` says otherwise, `attrs` may be a dictionary."""
    attrs = fields.pop("attrs", {})
    return {
        "id": next(_numbers),
        "trace_id": TRACE,
        "span_id": fields.pop("id", name).encode(),
        "parent_id": parent.encode() or None,
        "name": name,
        "service": "svc",
        "kind": INTERNAL,
        "status": 0,
        "status_msg": "",
        "start_ns": int(start * MS),
        "dur_ns": int(length * MS),
        "attrs": orjson.dumps(attrs).decode(),
        "events": "[]",
        "links": "[]",
        **fields,
    }


def query(number: int, parent: str, start: float, length: float = 1, **fields: Any) -> dict[str, Any]:
    """A span of a database query that has ID `q<number>`."""
    attrs = {"db.system": "postgresql", "db.query.text": f"SELECT * FROM orders WHERE id = {number}"}  # noqa: S608
    return span(
        "SELECT orders",
        parent,
        start,
        length,
        **{"id": f"q{number}", "kind": CLIENT, "attrs": attrs, **fields},
    )


def log(text: str, owner: str, ts: float, **fields: Any) -> dict[str, Any]:
    """A stored log line of the span `owner`."""
    return {
        "id": next(_numbers),
        "span_id": owner.encode(),
        "ts": int(ts * MS),
        "body": text,
        "service": "svc",
        "sev": 9,
        "error": "",
        "attrs": "{}",
        **fields,
    }
