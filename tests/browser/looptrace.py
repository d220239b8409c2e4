"""A trace in which a query is sent 37 times, once per product."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import attributes, span, traces

MS = 10**6


@pytest.fixture(scope="module")
def loop(console: Console) -> str:
    """The ID of a trace in which a query is sent 37 times, once per product."""
    trace, root, start = trace_id(), span_id(), time.time_ns()

    def timed(name: str, at: float, length: float, **fields: Any) -> dict[str, Any]:
        times = {
            "startTimeUnixNano": str(start + int(at * MS)),
            "endTimeUnixNano": str(start + int((at + length) * MS)),
        }
        return span(trace, fields.pop("id", span_id()), name, **times, **fields)

    attrs = attributes({"db.system": "postgresql", "db.query.text": "SELECT name FROM product WHERE id = %s"})
    queries = [
        timed("SELECT product", 20 + number * 4, 2, parent=root, kind=3, attributes=attrs)
        for number in range(37)
    ]
    console.send("/v1/traces", traces("shop", timed("GET products/", 0, 200, id=root, kind=2), *queries))
    return trace
