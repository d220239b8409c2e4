"""The spans of one trace as a forest with each log line at its span, however damaged they arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Final, Protocol

import orjson

_STATUS_ERROR: Final = 2
_SEVERITY_ERROR: Final = 17


class Record(Protocol):
    """A stored span or log line: a row of SQLite, or a dictionary."""

    def __getitem__(self, key: str, /) -> Any:
        """The value of a column."""


@dataclass(eq=False)
class Node:
    """A span (`record` is None when only its children arrived) with what belongs under it.

    `reach_ns` is when the last span below it ended, `first_ns` when the first began. `linked`: it hangs here
    by a link, `troubled` that it or something below it failed. `spans` counts itself and those below.
    """

    record: Record | None
    start_ns: int
    end_ns: int
    missing_id: bytes | None = None
    parent: Node | None = None
    linked: bool = False
    children: list[Node] = field(default_factory=list)
    logs: list[Record] = field(default_factory=list)
    reach_ns: int = 0
    first_ns: int = 0
    troubled: bool = False
    spans: int = 0

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """The attributes of the span, unmasked."""
        parsed: dict[str, Any] = orjson.loads(self.record["attrs"]) if self.record else {}
        return parsed


@dataclass(frozen=True)
class Tree:
    """`nodes` are all of the forest, parents before children and siblings by time."""

    roots: Sequence[Node]
    nodes: Sequence[Node]
    unattached: Sequence[Record]


def grow(spans: Iterable[Record], logs: Iterable[Record] = ()) -> Tree:
    """Every span and log line exactly once.

    Spans whose parent is not there hang under a node without record; a cycle is cut at its earliest span;
    a span without parent that links to another of this trace hangs under that one.
    """
    by_id = {span["span_id"]: _node(span) for span in spans}
    unattached: list[Record] = []
    for log in logs:
        owner = by_id.get(log["span_id"])
        (owner.logs if owner else unattached).append(log)
    roots = _join(by_id)
    nodes = _order(sorted(roots, key=attrgetter("start_ns")), by_id.values())
    for node in reversed(nodes):
        _sum_up(node)
    tops = [node for node in nodes if node.parent is None]
    return Tree(tops, nodes, sorted(unattached, key=lambda log: log["ts"]))


def _node(span: Record) -> Node:
    return Node(span, span["start_ns"], span["start_ns"] + span["dur_ns"])


def _join(by_id: dict[bytes, Node]) -> list[Node]:
    """Joins children to parents; returns the tops."""
    roots: list[Node] = []
    missing: dict[bytes, Node] = {}
    for span_id, node in by_id.items():
        parent_id = node.record["parent_id"] if node.record else None
        linked = by_id.get(_linked_id(node)) if parent_id is None else None
        if linked is not None and linked is not node:
            node.linked = True
            _hang(node, linked)
        elif parent_id is None or parent_id == span_id:
            roots.append(node)
        else:
            parent = by_id.get(parent_id)
            if parent is None:
                parent = missing.setdefault(parent_id, Node(None, node.start_ns, node.end_ns, parent_id))
                parent.start_ns = min(parent.start_ns, node.start_ns)
                parent.end_ns = max(parent.end_ns, node.end_ns)
            _hang(node, parent)
    return roots + list(missing.values())


def _linked_id(node: Node) -> bytes:
    """The span of the same trace that `node` links to, if any."""
    record = node.record
    if record is None or record["links"] == "[]":
        return b""
    own = record["trace_id"].hex()
    return next(
        (bytes.fromhex(link["span_id"]) for link in orjson.loads(record["links"]) if link["trace_id"] == own),
        b"",
    )


def _hang(node: Node, parent: Node) -> None:
    node.parent = parent
    parent.children.append(node)


def _order(roots: Sequence[Node], every: Iterable[Node]) -> list[Node]:
    """Depth first without recursion: a trace may be 10,000 spans deep."""
    ordered: list[Node] = []
    seen: set[Node] = set()
    for top in [*roots, *sorted(every, key=attrgetter("start_ns"))]:  # of the second only a cycle is left
        if top in seen:
            continue
        if top.parent is not None:
            top.parent.children.remove(top)
            top.parent = None
        stack = [top]
        while stack:
            node = stack.pop()
            seen.add(node)
            ordered.append(node)
            node.children.sort(key=attrgetter("start_ns"))
            stack.extend(reversed(node.children))
    return ordered


def _sum_up(node: Node) -> None:
    children = node.children
    node.reach_ns = max([node.end_ns, *(child.reach_ns for child in children)])
    node.first_ns = min([node.start_ns, *(child.first_ns for child in children)])
    node.spans = (node.record is not None) + sum(child.spans for child in children)
    failed = node.record is not None and node.record["status"] == _STATUS_ERROR
    node.troubled = (
        failed
        or any(child.troubled for child in children)
        or any(log["sev"] >= _SEVERITY_ERROR for log in node.logs)
    )
