"""Rows of operations: routes and tasks, by the time they took in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django_observe.console import figures, links
from django_observe.console.figures import Figures
from django_observe.console.rate_queries import CONSUMER, Measure, Operation
from django_observe.console.recent_spans import Example
from django_observe.console.timerange import TimeRange
from django_observe.console.window import Window

_MOST: Final = 200


@dataclass(frozen=True)
class OperationRow:
    """One route or task; `share` is its time in percent of that of the operation that took most."""

    service: str
    name: str
    is_task: bool
    href: str
    figures: Figures
    share: float
    slowest: Example | None
    failed: Example | None


@dataclass(frozen=True)
class Examples:
    """A slow trace and a failed one to look at, by name and kind of the operations of one service."""

    slowest: Mapping[tuple[str, int], Example]
    failed: Mapping[tuple[str, int], Example]


NO_EXAMPLES: Final = Examples({}, {})


def rows(
    each: Mapping[Operation, Measure],
    at: Window,
    shown: TimeRange,
    examples: Examples = NO_EXAMPLES,
    limit: int = _MOST,
) -> list[OperationRow]:
    """Those which took most, each with a link to its traces."""
    most = max((measure.total_ns for measure in each.values()), default=1) or 1
    return [
        OperationRow(
            service=service,
            name=name,
            is_task=kind == CONSUMER,
            href=links.link("/traces", shown, service=service, operation=name),
            figures=figures.figures(measure, at.seconds),
            share=round(measure.total_ns * 100 / most, 1),
            slowest=examples.slowest.get((name, kind)),
            failed=examples.failed.get((name, kind)),
        )
        for (service, name, kind), measure in sorted(each.items(), key=lambda pair: -pair[1].total_ns)[:limit]
    ]
