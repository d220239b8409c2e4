"""A row of the table: what one way of travelling must bring to the far end, noted aspect by aspect."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import pytest
from _pytest.outcomes import Failed

from tests.collector import Received
from tests.conformance.table import ASPECTS
from tests.conformance.telemetry import PATIENCE, Line, Spans
from tests.processes import wait_until

Aspect = Literal["line", "readable", "span", "trace", "clean", "also"]
"""The ID in the log line, through `correlation_id()`, on the span; the trace as expected; nothing left behind
afterwards; and what this row alone promises."""

Group = Literal["in", "answers", "Django", "out", "Celery", "concurrency", "elsewhere"]
Test = TypeVar("Test", bound=Callable[..., Any])


PROMISED = ASPECTS[:-1]
"""What every row asserts, but for those that say why not."""


def row(
    group: Group, name: str, column: str = "", *, without: Mapping[str, str] | None = None
) -> Callable[[Test], Test]:
    """Makes a test a row of the table.

    `name` may hold parameters of the test (`malformed: {case}`); `column` names the parameter (a string) that
    chooses the column, such as a worker's pool and broker; `without` has the aspects, comma separated, that
    there is nothing to assert of, each with the reason, which the page tells.
    """
    return pytest.mark.row(group, name, column, without or {})


class Told(Protocol):
    """A program of the project under test, whose log lines can be asked for."""

    def left(self, row: Row) -> Sequence[Line]:
        """What was still bound in the thread, task or loop when the row's work had ended."""


@dataclass
class Row:
    """The state of one row: whom its request says it is, and how each aspect came out."""

    spans: Spans
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Travels in the payload, so that the far end is found also where the ID got lost."""
    identifier: str = field(default_factory=lambda: uuid.uuid4().hex)
    """The correlation ID that is sent."""
    trace_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    parent_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    aspects: dict[Aspect, str] = field(default_factory=dict)
    """By aspect: the fault, or nothing where it holds."""

    @property
    def headers(self) -> dict[str, str]:
        """What a caller with an ID and a sampled trace sends."""
        return {
            "X-Correlation-ID": self.identifier,
            "traceparent": f"00-{self.trace_id}-{self.parent_id}-01",
        }

    @contextmanager
    def aspect(self, name: Aspect) -> Iterator[None]:
        """Notes whether the assertions in the block hold; the row goes on in either case."""
        self.aspects.setdefault(name, "")
        try:
            yield
        except (Exception, Failed) as fault:  # noqa: BLE001 - a far end that is not there is a fault as well
            self.aspects[name] = self.aspects[name] or str(fault) or "an assertion failed"

    def expect_id(self, seen: Line, identifier: str | None = None) -> None:
        """The ID in the witness' line, readable where it was logged, and on the span current there."""
        expected = identifier or self.identifier
        with self.aspect("line"):
            assert seen.get("correlation_id") == expected
        with self.aspect("readable"):
            assert seen["seen"] == expected
        with self.aspect("span"):
            assert self.spans.get(seen["seen_span_id"]).attributes.get("correlation_id") == expected

    def expect_trace(self, seen: Line) -> list[Received]:
        """The span current at the witness descends from the caller's; its spans, from there to the first."""
        path: list[Received] = []
        with self.aspect("trace"):
            assert seen["seen_trace_id"] == self.trace_id
            path = self.spans.path(seen["seen_span_id"], self.parent_id)
            assert path[-1].parent_id == self.parent_id, [span.name for span in path]
            assert {span.trace_id for span in path} == {self.trace_id}
        return path

    def expect_clean(self, program: Told, number: int = 1) -> None:
        """Nothing is bound any more where the work was done; `number`: how many times it ended."""
        with self.aspect("clean"):
            left = wait_until(
                lambda: _enough(program.left(self), number), "what is left after the work", PATIENCE
            )
            assert [(line["seen"], line["changed"]) for line in left] == [(None, [])] * len(left)

    def expect(self, seen: Line, program: Told) -> None:
        """All three promises at once, for what a request of this row caused."""
        self.expect_id(seen)
        self.expect_trace(seen)
        self.expect_clean(program)

    def verdict(self, without: Iterable[str] = ()) -> None:
        """Fails the test where an aspect did, or was not asked for."""
        faults = {name: fault for name, fault in self.aspects.items() if fault}
        assert not faults, "\n\n".join(f"[{name}] {fault}" for name, fault in faults.items())
        exempt = {name for names in without for name in names.split(", ")}
        assert set(PROMISED) - self.aspects.keys() <= exempt, "aspects that the row does not assert"


def _enough(lines: Sequence[Line], number: int) -> Sequence[Line]:
    return lines if len(lines) >= number else ()
