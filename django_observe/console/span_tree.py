"""Spans and log lines of one trace as a flat list in tree order, however damaged they arrived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Record = Mapping[str, Any]


@dataclass
class Node:
    """A span (`record` is None when only its children arrived) with what belongs under it."""

    start_ns: int
    record: Record | None
    missing_id: bytes | None = None
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    logs: list[Record] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """One line of the waterfall: a span, a missing span, a log line, or the heading of unattached ones."""

    kind: Literal["span", "missing", "log", "unattached"]
    depth: int
    node: Node | None = None
    log: Record | None = None


def flatten(spans: Sequence[Record], logs: Iterable[Record]) -> list[Entry]:
    """Every span and log line exactly once, under its parent, by time.

    Spans whose parent is not there hang under a "missing" entry; a cycle is cut at its earliest span.
    """
    nodes = {span["span_id"]: Node(span["start_ns"], span) for span in spans}
    roots = _link(nodes)
    unattached: list[Record] = []
    for log in logs:
        owner = nodes.get(log["span_id"])
        (owner.logs if owner else unattached).append(log)
    visited: set[int] = set()
    entries: list[Entry] = []
    for root in sorted(roots, key=lambda node: node.start_ns):
        entries.extend(_walk(root, visited))
    for node in sorted(nodes.values(), key=lambda node: node.start_ns):  # what only a cycle reaches
        if id(node) not in visited:
            entries.extend(_walk(node, visited))
    if unattached:
        entries.append(Entry("unattached", 0))
        entries.extend(Entry("log", 1, log=log) for log in sorted(unattached, key=lambda log: log["ts"]))
    return entries


def _link(nodes: dict[bytes, Node]) -> list[Node]:
    """Joins children to parents; returns the tops."""
    roots: list[Node] = []
    missing: dict[bytes, Node] = {}
    for span_id, node in nodes.items():
        parent_id = node.record["parent_id"] if node.record else None
        if parent_id is None or parent_id == span_id:
            roots.append(node)
            continue
        parent = nodes.get(parent_id)
        if parent is None:
            parent = missing.setdefault(parent_id, Node(node.start_ns, None, parent_id))
            parent.start_ns = min(parent.start_ns, node.start_ns)
        node.parent = parent
        parent.children.append(node)
    return roots + list(missing.values())


def _walk(root: Node, visited: set[int]) -> Iterable[Entry]:
    """Depth first without recursion: a trace may be 10,000 spans deep."""
    stack: list[Entry] = [_entry(root, 0)]
    while stack:
        entry = stack.pop()
        if entry.node is None:
            yield entry
            continue
        if id(entry.node) in visited:
            continue
        visited.add(id(entry.node))
        yield entry
        below = [(child.start_ns, _entry(child, entry.depth + 1)) for child in entry.node.children]
        below += [(log["ts"], Entry("log", entry.depth + 1, log=log)) for log in entry.node.logs]
        below.sort(key=lambda pair: pair[0], reverse=True)
        stack.extend(one for _, one in below)


def _entry(node: Node, depth: int) -> Entry:
    return Entry("span" if node.record else "missing", depth, node)
