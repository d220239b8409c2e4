"""What the rows of the group in have in common: cases that make up a row, new IDs, new traces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from _pytest.outcomes import Failed

from tests.collector import Received
from tests.conformance.malformed import Case, new_mark, told_by
from tests.conformance.rows import Aspect, Row
from tests.conformance.services import Server
from tests.conformance.telemetry import Line
from tests.conformance.wire import exchange
from tests.processes import Answer

COLUMNS = ["gunicorn gthread", "uvicorn"]
UUID = r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}"


@dataclass
class Part(Row):
    """One of several cases that make up a row: named in what it finds fault with."""

    case: str = ""
    mark: str = field(default_factory=new_mark)
    answer: Answer | None = None

    @contextmanager
    def aspect(self, name: Aspect) -> Iterator[None]:
        with super().aspect(name):
            try:
                yield
            except (AssertionError, Failed) as fault:
                raise AssertionError(f"{self.case}: {fault}") from fault


def expect_echo(row: Row, answer: Answer, identifier: str) -> None:
    """The ID in the answer, once."""
    with row.aspect("also"):
        assert (answer.status, answer.headers.get_all("X-Correlation-ID")) == (200, [identifier])


def expect_new_id(row: Row, seen: Line, expected: str) -> None:
    """An ID that nobody sent: `expected`, which is the trace's."""
    row.expect_id(seen, seen["seen"])
    with row.aspect("readable"):
        assert seen["seen"] != row.identifier
        assert re.fullmatch(UUID, seen["seen"])
    with row.aspect("also"):
        assert seen["seen"] == expected


def expect_root(row: Row, seen: Line) -> Received | None:
    """The witness' span is in a trace of its own; its first span."""
    first = None
    with row.aspect("trace"):
        assert seen["seen_trace_id"] != row.trace_id
        first = row.spans.path(seen["seen_span_id"])[-1]
        assert (first.parent_id, first.trace_id) == ("", seen["seen_trace_id"])
    return first


def sent(row: Row, server: Server, cases: Sequence[Case]) -> list[Part]:
    """All cases, each in a request of its own, with a trace to go on with."""
    parts = [Part(row.spans, aspects=row.aspects, case=case.name) for case in cases]
    for part, case in zip(parts, cases, strict=True):
        lines = case.lines(part.mark) + f"traceparent: {part.headers['traceparent']}\r\n".encode()
        part.answer = exchange(f"{server.url}/in/?key={part.key}", lines)
    return parts


def expect_untold(row: Row, server: Server, parts: list[Part]) -> None:
    """No line, no answer and no span has any of the malformed values."""
    output = server.process.stdout + server.process.stderr
    spans = str([span.raw for span in row.spans.all().values()])
    for part in parts:
        answer = f"{part.answer.headers}{part.answer.body!r}" if part.answer else ""
        for told in told_by(part.mark):
            with part.aspect("line"):
                assert [line for line in output.splitlines() if told in line] == []
            with part.aspect("span"):
                assert told not in spans
            with part.aspect("also"):
                assert told not in answer
