"""Spans of requests that are traced only when they fail: held back until the outcome is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_SPANS = 64
"""Spans of one request that are held; further ones leave at once."""

MAX_REQUESTS = 1_000


@dataclass(slots=True)
class _Held:
    spans: list[Any] = field(default_factory=list)
    discarded: bool = False


_held: dict[int, _Held] = {}


def hold(trace_id: int) -> None:
    """From now on the spans that this process ends in the trace are held back; `release` must follow."""
    if len(_held) < MAX_REQUESTS:
        _held.setdefault(trace_id, _Held())


def keep(trace_id: int, span: Any) -> bool:
    """Holds an ended span back, if its trace is held."""
    held = _held.get(trace_id)
    if held is None or len(held.spans) >= MAX_SPANS:
        return False
    held.spans.append(span)
    return True


def discard(trace_id: int) -> None:
    """The request went well: what is held will not be exported."""
    held = _held.get(trace_id)
    if held is not None:
        held.discarded = True


def release(trace_id: int) -> list[Any]:
    """Ends the holding back: the spans that are to be exported after all."""
    held = _held.pop(trace_id, None)
    return [] if held is None or held.discarded else held.spans
