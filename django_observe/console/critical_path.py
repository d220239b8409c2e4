"""What the end of a trace waited for: walked backwards from the last moment, always to what ended last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from django_observe.console.gaps import Stretch
from django_observe.console.span_tree import Node, Tree


@dataclass
class CriticalPath:
    """`own`: when a span itself, not its children, was waited for. `waits`: when nothing ran before a span.

    Together they cover the trace once, but for times between spans that nothing connects.
    """

    own: dict[Node, list[Stretch]] = field(default_factory=dict)
    waits: dict[Node, Stretch] = field(default_factory=dict)


def find(tree: Tree) -> CriticalPath:
    """The critical path through all spans of a trace, across queues too."""
    path = CriticalPath()
    stack = list(_backwards(tree.roots, max((root.reach_ns for root in tree.roots), default=0)))
    while stack:
        node, until = stack.pop()
        cursor, later = until, None
        for child, ended in _backwards(node.children, until):
            _note(path, node, (ended, cursor), later)
            stack.append((child, ended))
            cursor, later = child.start_ns, child
        _note(path, node, (node.start_ns, cursor), later)
    return path


def _backwards(nodes: Sequence[Node], until: int) -> Iterator[tuple[Node, int]]:
    """Those that were waited for and until when, the latest first; what ran beside them is left out."""
    cursor = until
    for node in sorted(nodes, key=attrgetter("reach_ns"), reverse=True):
        if node.start_ns < cursor:
            yield node, min(node.reach_ns, cursor)
            cursor = node.start_ns


def _note(path: CriticalPath, node: Node, stretch: Stretch, later: Node | None) -> None:
    """Books a stretch between two children: what lies after the span's end is waiting for the later one."""
    start, end = max(stretch[0], node.start_ns), stretch[1]
    own_end = min(end, node.end_ns)
    if start < own_end and node.record is not None:
        path.own.setdefault(node, []).append((start, own_end))
    waited = max(start, node.end_ns)
    if later is not None and waited < end:
        path.waits[later] = (waited, end)
