"""Where an alert's own link leads: the log lines it selects, the offending one, and that one's trace.

The link goes to Grafana's Explore; its query and time range are asked of the local console instead,
which receives here what Loki and Jaeger receive in the whole stack.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from dashboards import logql
from demo_services.drills import logselection
from demo_services.drills.durations import MILLISECONDS
from demo_services.drills.logselection import Condition, Line
from demo_services.telemetry import Span, Telemetry

HTTP_SECONDS = 10
MOST_LINES = 500
"""What the console gives at once."""
RESOURCE = ("service_version",)
"""What a line gets from its resource, by Loki's name."""
RELATIVE = re.compile(r"now(?:-(\d+)([smhdw]))?")


@dataclass(frozen=True, slots=True)
class Link:
    """What a link to Explore asks for; times are Unix seconds."""

    query: str
    start: float
    end: float

    @classmethod
    def read(cls, url: str) -> "Link":
        """Decode it as Grafana does; ValueError or KeyError when it is no such link."""
        parameters = parse_qs(urlsplit(url).query)
        [pane] = json.loads(parameters["panes"][0]).values()
        times = pane["range"]
        return cls(pane["queries"][0]["expr"], _moment(times["from"]), _moment(times["to"]))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found behind a link: an offending line, and the spans of the trace it names."""

    link: Link
    line: Line | None
    spans: tuple[Span, ...]

    @property
    def complete(self) -> bool:
        """Whether there was such a line, and its own span is in its trace."""
        return self.line is not None and self.line["span_id"] in {span.id for span in self.spans}


def follow(
    url: str, console: str, environment: str, offends: Callable[[Line], bool], correlation_id: str = ""
) -> Evidence:
    """Open the link, look for a line that `offends` (under the ID, if one is given), and open its trace."""
    link = Link.read(url)
    wanted = logselection.conditions(link.query)
    on_line = [condition for condition in wanted if condition.label not in RESOURCE]
    nearest = Evidence(link, None, ())
    for line in _lines(console, wanted, correlation_id):
        if not (link.start <= seconds_of(line) <= link.end and offends(line)):
            continue
        if not all(condition.holds(line, environment) for condition in on_line):
            continue
        nearest = Evidence(link, line, tuple(Telemetry(console).spans(line["trace_id"] or "none")))
        whole = {**line, "attributes": {**line["attributes"], **_resource(console, line)}}
        if nearest.complete and all(condition.holds(whole, environment) for condition in wanted):
            return nearest
    return Evidence(link, nearest.line, ())


def _lines(console: str, wanted: list[Condition], correlation_id: str) -> list[dict[str, Any]]:
    """The newest lines the console has; it narrows them by service and level, the rest is for the caller."""
    query = {"limit": str(MOST_LINES), "correlation_id": correlation_id}
    for condition in wanted:
        if (condition.label, condition.operator) == (logql.SERVICE_NAME, "="):
            query["service"] = condition.value
        if (condition.label, condition.value) == (logql.SEVERITY, logql.ERROR_LEVELS):
            query["level"] = "ERROR"
    response = requests.get(f"{console}/api/logs", params=query, timeout=HTTP_SECONDS)
    response.raise_for_status()
    found: list[dict[str, Any]] = response.json()["logs"]
    return found


def _resource(console: str, line: Line) -> dict[str, str]:
    """What the process of a line says of itself: Loki has it beside the line, the console in its trace."""
    response = requests.get(f"{console}/api/v3/traces/{line['trace_id']}", timeout=HTTP_SECONDS)
    groups = response.json()["result"]["resourceSpans"] if response.ok else []
    return {
        attribute["key"]: str(next(iter(attribute["value"].values())))
        for group in groups
        if any(span["spanId"] == line["span_id"] for scope in group["scopeSpans"] for span in scope["spans"])
        for attribute in group["resource"]["attributes"]
        if attribute["key"].replace(".", "_") in RESOURCE
    }


def seconds_of(line: Line) -> float:
    """When a line was written, in Unix seconds."""
    return datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")).timestamp()


def _moment(text: str) -> float:
    """A time of a link: milliseconds, or `now-1h` at the moment the link is opened."""
    if text.isdigit():
        return int(text) / 1000
    match = RELATIVE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time: {text}")
    number, unit = match.groups()
    return time.time() - (int(number) * MILLISECONDS[unit] / 1000 if number else 0)
