"""A service graph as the map shows it: data for the drawing, rows for the table, and a panel for one node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django_observe.console import figures, links
from django_observe.console.figures import Figures
from django_observe.console.formatting import duration, visible
from django_observe.console.peers import DATABASE, MESSAGING
from django_observe.console.service_graph import OUTSIDE, SERVICE, Edge, Graph, Node
from django_observe.console.timerange import TimeRange
from django_observe.console.window import Window

_WORDS = {DATABASE: "query", MESSAGING: "message"}


@dataclass(frozen=True)
class EdgeRow:
    """One row of the table under the map. `figures` has no durations if nobody timed just these calls."""

    source: Node
    target: Node
    kind: str
    figures: Figures
    timed: bool
    wait: str
    href: str


def rows(graph: Graph, at: Window, shown: TimeRange) -> list[EdgeRow]:
    """The edges, the busiest first."""
    return [
        EdgeRow(
            source=graph.nodes[edge.source],
            target=graph.nodes[edge.target],
            kind=" ".join((*edge.brokers, _WORDS.get(edge.kind, "call"))),
            figures=figures.figures(edge.measure, at.seconds),
            timed=not edge.untimed,
            wait=duration(edge.wait_ns(0.95)) if edge.waits else "",
            href=traces_of(edge, graph, shown),
        )
        for edge in graph.edges
    ]


def traces_of(edge: Edge, graph: Graph, shown: TimeRange) -> str:
    """The traces in which both ends of an edge take part; all of the caller's if some got no answer."""
    source, target = graph.nodes[edge.source], graph.nodes[edge.target]
    if source.kind == OUTSIDE:
        return links.link("/traces", shown, service=target.title)
    if target.kind == SERVICE and not edge.measure.unanswered:
        return links.link("/traces", shown, ("service", source.title), ("service", target.title))
    return links.link("/traces", shown, service=source.title, where=edge.filter)


def drawing(graph: Graph, at: Window, shown: TimeRange, hues: Mapping[str, int]) -> Any:
    """What map.js lays out and draws; all text is ready. Calls of a node to itself are told in its box."""
    rows_ = rows(graph, at, shown)
    own = _own_calls(graph)
    busiest = max((row.figures.n for row in rows_), default=1)
    return {
        "nodes": [_drawn(node, at, shown, hues, own[node.id]) for node in graph.nodes.values()],
        "edges": [
            {
                "from": row.source.id,
                "to": row.target.id,
                "type": edge.kind,
                "label": _label(row),
                "time": _time(row),
                "weight": round((row.figures.n / busiest) ** 0.5, 3),
                "queue": edge.kind == MESSAGING,
                "failing": row.figures.failing,
                "href": row.href,
            }
            for row, edge in zip(rows_, graph.edges, strict=True)
            if row.source is not row.target
        ],
    }


def _own_calls(graph: Graph) -> Counter[str]:
    """How often each node called itself, over HTTP or by its own queue."""
    found: Counter[str] = Counter()
    for edge in graph.edges:
        if edge.source == edge.target:
            found[edge.target] += edge.measure.n
    return found


def _label(row: EdgeRow) -> str:
    told = row.figures
    parts = [f"{told.rate}/s"]
    if told.errors and row.timed:
        parts.append(f"\u00d7 {told.error_ratio}" if told.failing else told.error_ratio)
    return " \u00b7 ".join(parts)


def _time(row: EdgeRow) -> str:
    """Of a message what it waited is told; how long it took to send is in the table."""
    if row.wait:
        return f"queued p95 {row.wait}"
    return f"p95 {row.figures.p95}" if row.timed else ""


def _drawn(
    node: Node, at: Window, shown: TimeRange, hues: Mapping[str, int], own_calls: int
) -> dict[str, Any]:
    told = figures.figures(node.measure, at.seconds)
    timed = node.kind != OUTSIDE and bool(told.n)
    return {
        "id": node.id,
        "kind": node.kind,
        "title": visible(node.title),
        "detail": f"calls itself {figures.rate(own_calls / at.seconds)}/s"
        if own_calls
        else visible(node.detail),
        "told": f"{told.rate}/s \u00b7 p95 {told.p95}"
        if timed
        else f"{told.rate}/s"
        if told.n
        else "no requests",
        "share": told.share if timed else 0,
        "errors": told.error_ratio if told.failing and timed else "",
        "hue": hues.get(node.id, -1) if node.kind == SERVICE else -1,
        "href": links.link("/map", shown, node=node.id),
    }
