"""A trace's tree as the lines to show, top to bottom: what is folded, closed or filtered is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from django_observe.console.folding import Fold, fold
from django_observe.console.gaps import Stretch, gaps
from django_observe.console.linked_spans import LinkedSpan
from django_observe.console.span_tree import Node, Record, Tree

ALL: Final = 0
NO_LOGS: Final = 99


@dataclass(frozen=True)
class Entry:
    """One line. `hidden` counts the spans below a closed one, `closed` and `opened` tell its state."""

    kind: Literal["span", "missing", "log", "unattached", "fold", "gap", "linked"]
    depth: int
    node: Node | None = None
    log: Record | None = None
    fold: Fold | None = None
    gap: Stretch | None = None
    linked: LinkedSpan | None = None
    closed: bool = False
    opened: bool = False


@dataclass(frozen=True)
class Options:
    """`closed` and `opened` are IDs of spans (in hex) closed by the reader, or whose fold was opened.

    `severity` is the least of log lines to show, `selected` a span or log line that must be visible.
    """

    closed: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()
    severity: int = ALL
    selected: frozenset[Node] = field(default_factory=frozenset)
    links: dict[Node, list[LinkedSpan]] = field(default_factory=dict)


def entries(tree: Tree, options: Options) -> list[Entry]:
    """Depth first by time, log lines, gaps and linked spans among the children."""
    trace_ns = max((node.reach_ns for node in tree.roots), default=0) - min(
        (node.first_ns for node in tree.roots), default=0
    )
    found: list[Entry] = []
    stack = [entry for _, entry in reversed(list(_siblings(list(tree.roots), 0, options, folds=False)))]
    while stack:
        entry = stack.pop()
        found.append(entry)
        below = list(_below(entry, trace_ns, options))
        below.sort(key=lambda pair: pair[0])
        stack.extend(one for _, one in reversed(below))
    lines = [log for log in tree.unattached if log["sev"] >= options.severity]
    if lines:
        found.append(Entry("unattached", 0))
        found.extend(Entry("log", 1, log=log) for log in lines)
    return found


def _below(entry: Entry, trace_ns: int, options: Options) -> Iterator[tuple[int, Entry]]:
    """What an entry contains, each with its time."""
    depth = entry.depth + 1
    if entry.kind == "fold" and entry.fold and entry.opened:
        yield from _siblings(entry.fold.members, depth, options, folds=False)
    if entry.kind not in ("span", "missing") or entry.node is None or entry.closed:
        return
    node = entry.node
    yield from _siblings(node.children, depth, options, folds=True)
    for log in node.logs:
        if log["sev"] >= options.severity:
            yield log["ts"], Entry("log", depth, log=log)
    for gap in gaps(node, trace_ns):
        yield gap[0], Entry("gap", depth, node, gap=gap)
    for linked in options.links.get(node, ()):
        yield max(linked.start_ns, node.end_ns), Entry("linked", depth, node, linked=linked)


def _siblings(
    nodes: Sequence[Node], depth: int, options: Options, *, folds: bool
) -> Iterator[tuple[int, Entry]]:
    single, folded = fold(nodes) if folds else (nodes, [])
    for node in single:
        identity = node.record["span_id"].hex() if node.record else (node.missing_id or b"").hex()
        closed = identity in options.closed and node not in options.selected and has_below(node)
        yield node.start_ns, Entry("span" if node.record else "missing", depth, node, closed=closed)
    for one in folded:
        first = one.first.record or {}
        opened = first["span_id"].hex() in options.opened or any(
            node in options.selected for node in one.members
        )
        yield one.first.start_ns, Entry("fold", depth, one.first, fold=one, opened=opened)


def has_below(node: Node) -> bool:
    """Whether closing a span hides something."""
    return bool(node.children or node.logs)
