"""A service under test, and what it told of one request."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.collector import Collector, Received
from tests.processes import Answer, Process, get

Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Service:
    process: Process
    url: str
    collector: Collector

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        """One request; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return get(self.url + path, named, method=method)

    def checks(self) -> dict[str, str]:
        """Messages with hints, by their ids."""
        found: dict[str, str] = self.get("/checks/").json()
        return found

    def said(self, path: str, *, method: str = "GET", **headers: str) -> tuple[Answer, list[str]]:
        """The answer to one request, and the lines that it caused, on stdout and stderr."""
        before = len(self.process.stdout), len(self.process.stderr)
        answer = self.get(path, method=method, **headers)
        next_id = self.get("/orders/99/").json()["correlation_id"]

        def lines() -> list[str]:
            out, err = self.process.stdout[before[0] :], self.process.stderr[before[1] :]
            found = (out + err).splitlines()
            return found if any("/orders/99/" in line and next_id in line for line in found) else []

        heard = self.process.wait_for(lines, "the lines of a request after that", 10)
        return answer, [line for line in heard if next_id not in line]

    def samples(self) -> dict[Series, float]:
        """What /metrics has, but for when series began."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if not sample.name.endswith("_created")
        }

    def spans(self, trace_id: str, count: int) -> list[Received]:
        """The spans of a trace, once there are `count` of them."""

        def found() -> list[Received]:
            spans = [span for span in self.collector.spans() if span.trace_id == trace_id]
            return spans if len(spans) >= count else []

        return self.collector.wait_for(found, f"{count} spans of {trace_id}")


def parsed(lines: list[str]) -> list[dict[str, Any]]:
    """Those lines that are JSON."""
    return [json.loads(line) for line in lines if line.startswith("{")]


def names(spans: list[Received]) -> Counter[str]:
    """How often spans of each name are there."""
    return Counter(span.name for span in spans)
