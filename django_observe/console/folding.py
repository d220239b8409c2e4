"""Repeated siblings as one line: the loop that sends a query per row shows itself as "x37 SELECT orders"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django_observe.console import called
from django_observe.console.span_tree import Node

_LEAVES: Final = 3
_BRANCHES: Final = 10


@dataclass(frozen=True)
class Fold:
    """Siblings of the same service, kind, name and pattern, by start."""

    members: Sequence[Node]

    @property
    def first(self) -> Node:
        """It names and places the fold."""
        return self.members[0]

    @property
    def total_ns(self) -> int:
        """The durations of all members added up."""
        return sum(node.end_ns - node.start_ns for node in self.members)


def fold(siblings: Sequence[Node]) -> tuple[list[Node], list[Fold]]:
    """(those that stay single, folds). A failed call is never hidden in a fold.

    Three repetitions make a fold; ten of those that have spans or log lines below them, for these tell more.
    """
    if len(siblings) < _LEAVES:
        return list(siblings), []
    groups: dict[tuple[object, ...], list[Node]] = {}
    single: list[Node] = []
    for node in siblings:
        if node.troubled or node.record is None or node.linked:
            single.append(node)
        else:
            groups.setdefault(_key(node), []).append(node)
    folds: list[Fold] = []
    for (_, bare, *_rest), members in groups.items():
        if len(members) >= (_LEAVES if bare else _BRANCHES):
            folds.append(Fold(members))
        else:
            single.extend(members)
    return single, folds


def _key(node: Node) -> tuple[object, ...]:
    record = node.record or {}
    bare = not node.children and not node.logs
    return record["kind"], bare, record["service"], record["name"], called.pattern(node)
