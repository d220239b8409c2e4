"""Time of a span that nothing below it accounts for: its self time, and gaps worth a line of their own."""

from __future__ import annotations

from typing import Final

from django_observe.console.span_tree import Node

Stretch = tuple[int, int]
_SHARE_OF_SPAN: Final = 0.1
_SHARE_OF_TRACE: Final = 0.01


def uncovered(node: Node) -> list[Stretch]:
    """The stretches (start, end; Unix nanoseconds) of a span in which no child ran."""
    found: list[Stretch] = []
    cursor = node.start_ns
    for child in node.children:  # by start
        if child.start_ns >= node.end_ns:
            break
        if child.start_ns > cursor:
            found.append((cursor, child.start_ns))
        cursor = max(cursor, child.end_ns)
    if cursor < node.end_ns:
        found.append((cursor, node.end_ns))
    return found


def self_ns(node: Node) -> int:
    """Nanoseconds of a span in which no child ran."""
    return sum(end - start for start, end in uncovered(node))


def gaps(node: Node, trace_ns: int) -> list[Stretch]:
    """Gaps around children of more than 10 % of the span, unless they are nothing beside the whole trace."""
    length_ns = node.end_ns - node.start_ns
    if node.record is None or not node.children:
        return []
    least = max(length_ns * _SHARE_OF_SPAN, trace_ns * _SHARE_OF_TRACE)
    return [(start, end) for start, end in uncovered(node) if least < end - start < length_ns]
