"""Query parameters of /logs and /api/logs."""

from __future__ import annotations

import re
from typing import Final

from django.http import QueryDict

from django_observe.console import limits
from django_observe.console.queries import LogFilter
from django_observe.console.severity import minimum
from django_observe.console.timerange import EVERYTHING, TimeRange
from django_observe.console.traceid import is_trace_id

_PLACE: Final = re.compile(r"(\d{1,19})-(\d{1,18})")


def log_filter(parameters: QueryDict, shown: TimeRange = EVERYTHING, rows: int = 200) -> LogFilter:
    """`rows` unless `limit` says. Raises ValueError that names the parameter and what it accepts."""
    trace_id = parameters.get("trace_id", "").strip()
    if trace_id and not is_trace_id(trace_id):
        raise ValueError(f"trace_id={trace_id[:64]}: 32 hexadecimal digits are accepted")
    level, limit = parameters.get("level", ""), parameters.get("limit", "") or str(rows)
    if not re.fullmatch(r"[0-9]{1,9}", limit) or int(limit) < 1:
        raise ValueError(f"limit={limit[:64]}: 1 to {limits.PAGE_ROWS} is accepted")
    return LogFilter(
        correlation_id=parameters.get("correlation_id", "").strip(),
        trace_id=bytes.fromhex(trace_id) if trace_id else None,
        service=parameters.get("service", ""),
        logger=parameters.get("logger", ""),
        severity=minimum(level) if level else 0,
        text=parameters.get("q", "").strip(),
        since_ns=shown.since_ns,
        until_ns=shown.until_ns,
        before=_place(parameters.get("before", "")),
        limit=min(int(limit), limits.PAGE_ROWS),
    )


def _place(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    matched = _PLACE.fullmatch(text)
    if not matched:
        raise ValueError(f"before={text[:60]}: the place at which a page of this list ended is accepted")
    return min(int(matched[1]), 2**63 - 1), int(matched[2])
