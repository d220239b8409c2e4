"""What the lines of a waterfall are drawn with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django_observe.console.critical_path import CriticalPath
from django_observe.console.scale import Scale
from django_observe.console.span_tree import Node


@dataclass(frozen=True)
class Drawing:
    """`hits` and `log_hits` (row numbers) are what a search in the trace found."""

    scale: Scale
    hues: Mapping[str, int]
    path: CriticalPath = field(default_factory=CriticalPath)
    hits: frozenset[Node] = frozenset()
    log_hits: frozenset[int] = frozenset()
