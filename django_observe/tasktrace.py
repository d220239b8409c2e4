"""What a run's span is to the span of its publisher: its child, linked to it, or neither."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from django_observe import conf, taskdelivery
from django_observe.parsing import TASK_TRACES

if TYPE_CHECKING:
    from django_observe.taskheaders import Headers

CHILD, LINK, NEW = TASK_TRACES

LONG_ETA_SECONDS = 15 * 60.0
"""A run due later than this after its publish begins a trace of its own, linked, unless TASK_TRACE names it.

A trace that lasts for hours shows its work as dots, and what puts traces together (tail samplers, stores)
waits for minutes before it takes one for complete.
"""


def relation(task: str, headers: Headers, eta: Any, *, eager: bool) -> str:
    """`CHILD`, `LINK` or `NEW` for a run of `task`; an eager run is part of what called it, always."""
    if eager:
        return CHILD
    named, otherwise = _choices()
    for name, chosen in named:
        if name == task:
            return chosen
    for pattern, chosen in named:
        if fnmatchcase(task, pattern):
            return chosen
    late = taskdelivery.postponed(headers, eta) > LONG_ETA_SECONDS
    return LINK if late and otherwise == CHILD else otherwise


def _choices() -> tuple[tuple[tuple[str, str], ...], str]:
    chosen = conf.settings().task_trace
    return ((), chosen) if isinstance(chosen, str) else (chosen, CHILD)
