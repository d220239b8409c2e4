"""The span a record belongs to."""

from __future__ import annotations

from typing import NamedTuple


class TraceContext(NamedTuple):
    """W3C Trace Context ids as lower-case hex."""

    trace_id: str
    span_id: str
    sampled: bool
