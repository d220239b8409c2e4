"""The small map above the waterfall: the whole trace at a glance, one strip per level of its tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django_observe.console.scale import Bar, Scale
from django_observe.console.span_tree import Node, Tree

_LEVELS: Final = 8
_MOST: Final = 400
_STATUS_ERROR: Final = 2


@dataclass(frozen=True)
class Mark:
    """A span on the map; `level` counts strips from the top."""

    bar: Bar
    level: int
    hue: int
    error: bool


@dataclass(frozen=True)
class Overview:
    """Marks in the order of painting: failed ones last, so that none is covered."""

    marks: list[Mark]
    levels: int


def overview(tree: Tree, scale: Scale, hues: Mapping[str, int]) -> Overview:
    """The 400 longest spans and failed ones of the uppermost eight levels."""
    levels: dict[Node, int] = {}
    for node in tree.nodes:  # parents come first
        levels[node] = levels[node.parent] + 1 if node.parent else 0
    shown = [
        node for node in tree.nodes if node.record is not None and (levels[node] < _LEVELS or _failed(node))
    ]
    shown.sort(key=lambda node: (_failed(node), node.end_ns - node.start_ns), reverse=True)
    marks = [_mark(node, min(levels[node], _LEVELS - 1), scale, hues) for node in shown[:_MOST]]
    return Overview(
        sorted(marks, key=lambda mark: mark.error), max((mark.level for mark in marks), default=0) + 1
    )


def _failed(node: Node) -> bool:
    return node.record is not None and node.record["status"] == _STATUS_ERROR


def _mark(node: Node, level: int, scale: Scale, hues: Mapping[str, int]) -> Mark:
    service = node.record["service"] if node.record else ""
    bar = scale.bar(node.start_ns, node.end_ns) or Bar(0, 0)
    return Mark(bar, level, hues.get(service, 0), _failed(node))
