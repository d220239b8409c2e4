"""Links to the pages on which an ID is to be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from django_observe.console.traceid import is_trace_id
from django_observe.doctor.backends import Backends
from django_observe.doctor.source import Source
from django_observe.doctor.timeline import Timeline
from django_observe.vocabulary import Field

JOURNEY: Final = "observe-journey"
"""The uid of our dashboard of one ID; below, of the data source: as `stack/grafana` provisions them."""

LOKI: Final = "loki"
_TRACES: Final = 5


def of(identifier: str, timeline: Timeline, known: Backends) -> Iterator[tuple[str, str]]:
    """Titles and links: the ID in the console and Grafana, its first traces in the console and Jaeger."""
    traces = timeline.trace_ids or ([identifier.lower()] if is_trace_id(identifier) else [])
    correlation_id = _correlation_id(identifier, timeline)
    if known.console:
        here = Source("console", known.console).address
        yield "console", f"{here}/c/{quote(correlation_id)}"
        yield from (("console: trace", f"{here}/trace/{trace}") for trace in traces[:_TRACES])
    if known.jaeger:
        store = Source("jaeger", known.jaeger).address
        yield from (("Jaeger: trace", f"{store}/trace/{trace}") for trace in traces[:_TRACES])
    if known.grafana:
        grafana = Source("grafana", known.grafana).address
        yield "Grafana: journey", f"{grafana}/d/{JOURNEY}?var-correlation_id={quote(correlation_id)}"
        yield "Grafana: lines", f"{grafana}{_explore(correlation_id)}"


def _correlation_id(identifier: str, timeline: Timeline) -> str:
    """The ID itself; of a trace that has another correlation ID, that one."""
    found = {row["corr"] for row in (*timeline.spans.values(), *timeline.lines.values()) if row["corr"]}
    return identifier if identifier in found or len(found) != 1 else str(found.pop())


def _explore(correlation_id: str) -> str:
    """Explore's `panes` parameter, schema version 1 (Grafana 10 and later)."""
    query = f'{{service_name=~".+"}} | {Field.CORRELATION_ID}="{correlation_id}"'
    pane = {
        "datasource": LOKI,
        "queries": [
            {"refId": "A", "datasource": {"type": LOKI, "uid": LOKI}, "expr": query, "queryType": "range"}
        ],
        "range": {"from": "now-24h", "to": "now"},
    }
    return f"/explore?schemaVersion=1&orgId=1&panes={quote(json.dumps({'observe': pane}), safe='')}"
