"""The map of who called what: services, databases, queues, hosts, and callers from outside."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from django_observe.console import histogram, peer_filters, rate_queries, recent_spans
from django_observe.console.peers import CALL, DATABASE, MESSAGING
from django_observe.console.rate_queries import Measure, Requests
from django_observe.console.window import Window

SERVICE: Final = "service"
OUTSIDE: Final = "client"
HOST: Final = "host"
_EMBEDDED: Final = frozenset({"sqlite"})
"""Databases that are a file of their service: without a name, each service has its own."""


@dataclass
class Node:
    """One part of the system. `measure` is what it served, or what it was called for if nobody traces it.

    `system` is the product behind a database or queue, such as `postgresql`.
    """

    id: str
    kind: str
    title: str
    detail: str = ""
    system: str = ""
    measure: Measure = field(default_factory=Measure)


@dataclass
class Edge:
    """Calls from one node to another. `waits` are the queue's; `untimed` if nobody timed just these calls.

    `filter` is a condition on attributes that finds these calls among the caller's, if one is known.
    """

    source: str
    target: str
    kind: str
    measure: Measure
    waits: Counter[int] = field(default_factory=Counter)
    brokers: tuple[str, ...] = ()
    untimed: bool = False
    filter: str = ""

    def wait_ns(self, share: float) -> int:
        """Nanoseconds that messages waited in the queue; 0 if unknown."""
        return int(histogram.quantile(self.waits, share))


@dataclass
class Graph:
    """Nodes by id, in the order of their names, and edges, the busiest first."""

    nodes: dict[str, Node]
    edges: list[Edge]

    def busiest(self, edges: int, nodes: int) -> Graph:
        """What can be drawn of it: so many edges with their ends, and what other nodes there is room for."""
        kept = self.edges[:edges]
        ends = {end for edge in kept for end in (edge.source, edge.target)}
        others = [key for key in self.nodes if key not in ends][: max(nodes - len(ends), 0)]
        shown = ends | set(others)
        return Graph({key: node for key, node in self.nodes.items() if key in shown}, kept)


def build(connection: sqlite3.Connection, at: Window, served: Requests, services: Iterable[str]) -> Graph:
    """The graph of a window."""
    known = set(services) | set(served.services)
    calls = rate_queries.edges(connection, at)
    queues = recent_spans.queues(connection, at)
    nodes: dict[str, Node] = {}
    edges = [_edge(nodes, known, key, measure, queues) for key, measure in calls.items()]
    filters = peer_filters.conditions(connection, at)
    for edge, (source, target, _) in zip(edges, calls, strict=True):
        edge.filter = filters.get((source, target), "")
    for name, rates in served.services.items():
        _service(nodes, name).measure = rates.total
    edges += _from_outside(nodes, edges, served)
    ordered = {key: nodes[key] for key in sorted(nodes, key=lambda key: (nodes[key].title, key))}
    return Graph(ordered, sorted(edges, key=lambda edge: -edge.measure.n))


def _edge(
    nodes: dict[str, Node],
    known: set[str],
    key: rate_queries.Edge,
    measure: Measure,
    queues: Mapping[tuple[str, str], recent_spans.Queue],
) -> Edge:
    source, target, kind = key
    called = _called(nodes, known, source, target, kind)
    if called.kind != SERVICE:
        called.measure.join(measure)
    queue = queues.get((source, target), recent_spans.Queue()) if kind == MESSAGING else recent_spans.Queue()
    caller = _service(nodes, source)
    return Edge(caller.id, called.id, kind, measure, queue.counts, tuple(sorted(queue.brokers)))


def _service(nodes: dict[str, Node], name: str) -> Node:
    return nodes.setdefault(name, Node(name, SERVICE, name))


def _called(nodes: dict[str, Node], known: set[str], source: str, target: str, kind: str) -> Node:
    if kind != DATABASE and target in known:
        return _service(nodes, target)
    if kind == DATABASE and target in _EMBEDDED:
        key = f"{kind}:{target}@{source}"
        return nodes.setdefault(key, Node(key, kind, target, f"of {source}", target))
    if kind == CALL:
        return nodes.setdefault(f"{HOST}:{target}", Node(f"{HOST}:{target}", HOST, target))
    key = f"{kind}:{target}"
    system, _, name = target.partition(" ")
    return nodes.setdefault(key, Node(key, kind, name or system, system if name else "", system))


def _from_outside(nodes: dict[str, Node], edges: Iterable[Edge], served: Requests) -> list[Edge]:
    """Requests that no known service made: what a service served without what the others asked of it."""
    asked: Counter[str] = Counter()
    for edge in edges:
        if edge.kind == CALL:
            asked[edge.target] += edge.measure.n - edge.measure.unanswered
    found = []
    for name, rates in served.services.items():
        rest = rates.http.n - asked[name]
        if rest > 0:
            nodes.setdefault(OUTSIDE, Node(OUTSIDE, OUTSIDE, "clients", "from outside"))
            measure = rates.http if not asked[name] else Measure(rest)
            nodes[OUTSIDE].measure.n += rest
            found.append(Edge(OUTSIDE, name, CALL, measure, untimed=bool(asked[name])))
    return found
