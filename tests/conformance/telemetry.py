"""What the programs under test have told: their JSON lines and their spans, each read once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.collector import Collector, Received, plain
from tests.processes import Process, wait_until

Line = dict[str, Any]

PATIENCE = 10 if os.environ.get("CONFORMANCE_KIT", "ours") == "ours" else 6
"""Seconds that something is waited for; what the hand assembly does not tell would take minutes in all."""


class Lines:
    """The JSON lines of a program's stdout so far; reads on from where it stopped."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._offset = 0
        self._lines: list[Line] = []

    def all(self) -> list[Line]:
        """Every complete line that is JSON."""
        with self._process.stdout_path.open("rb") as output:
            output.seek(self._offset)
            for line in output:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                if line.startswith(b"{"):
                    self._lines.append(json.loads(line))
        return self._lines

    def where(self, **fields: Any) -> list[Line]:
        """The lines with those fields, so far."""
        return [line for line in self.all() if fields.items() <= line.items()]

    def wait(self, number: int = 1, timeout: float = PATIENCE, **fields: Any) -> list[Line]:
        """The lines with those fields, as soon as there are `number`."""

        def found() -> list[Line]:
            lines = self.where(**fields)
            return lines if len(lines) >= number else []

        return self._process.wait_for(found, f"{number} line(s) with {fields}", timeout)


class Spans:
    """The spans that a collector took, by ID."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._seen = 0
        self._by_id: dict[str, Received] = {}

    def all(self) -> dict[str, Received]:
        """Every span so far."""
        requests = self._collector.requests
        while self._seen < len(requests):
            path, _, body = requests[self._seen]
            self._seen += 1
            if path == "/v1/traces":
                self._by_id.update((span.span_id, span) for span in _spans(body))
        return self._by_id

    def get(self, span_id: str, timeout: float = PATIENCE) -> Received:
        """The span with that ID, waited for: a span leaves when it has ended."""
        assert span_id.strip("0"), "no span was current"
        wait_until(lambda: span_id in self.all(), f"span {span_id}", timeout)
        return self._by_id[span_id]

    def where(self, condition: Callable[[Received], bool]) -> list[Received]:
        """The spans so far that fulfil a condition."""
        return [span for span in list(self.all().values()) if condition(span)]

    def of_trace(self, trace_id: str) -> list[Received]:
        """The spans of a trace so far."""
        return self.where(lambda span: span.trace_id == trace_id)

    def path(self, span_id: str, stop: str = "") -> list[Received]:
        """The span and those above it, up to a root or to the child of `stop`, each waited for."""
        path = [self.get(span_id)]
        while path[-1].parent_id not in ("", stop):
            path.append(self.get(path[-1].parent_id))
        return path


def _spans(body: bytes) -> list[Received]:
    return [
        Received(span, plain(group.resource.attributes), scope.scope.name)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]
