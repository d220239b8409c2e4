"""What the kit itself tells of an answer, once that has been closed: one line and one server span."""

from __future__ import annotations

from typing import Any

from tests.collector import Received
from tests.conformance.rows import Row
from tests.conformance.services import Server
from tests.conformance.telemetry import Line

SERVER_KIND, ERROR_STATUS = 2, 2
EVENTS = ("request", "request_aborted")
"""Events of a request line; the second where the client went away."""


def expect_once(
    row: Row, server: Server, event: str = "request", *, error: str | None = None, **more: Any
) -> Line:
    """Exactly one request line with those fields and one server span; both know of the `error` or of none.

    To be asked after `row.expect_clean`, when all has been told.
    """
    line: Line = {}
    with row.aspect("also"):
        told = server.lines.where(correlation_id=row.identifier)
        [line] = [each for each in told if each.get("event") in EVENTS]
        assert {**more, "event": event}.items() <= line.items()
        assert line.get("error_type") == error
        assert line["trace_id"] == row.trace_id
        span = server_span(row)
        assert (span.raw.status.code == ERROR_STATUS) is (error is not None)
    return line


def server_span(row: Row) -> Received:
    """The one server span of the row's trace."""
    [span] = [span for span in row.spans.of_trace(row.trace_id) if span.raw.kind == SERVER_KIND]
    return span
