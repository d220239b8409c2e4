"""Query parameters of /logs and /api/logs."""

from __future__ import annotations

import re

from django.http import QueryDict

from django_observe.console import limits
from django_observe.console.queries import LogFilter
from django_observe.console.severity import minimum


def log_filter(parameters: QueryDict) -> LogFilter:
    """Raises ValueError that names the parameter and what it accepts."""
    trace_id = parameters.get("trace_id", "").strip()
    if trace_id and not re.fullmatch(r"[0-9a-fA-F]{32}", trace_id):
        raise ValueError(f"trace_id={trace_id[:64]}: 32 hexadecimal digits are accepted")
    level, limit = parameters.get("level", ""), parameters.get("limit", "") or "200"
    if not re.fullmatch(r"[0-9]{1,9}", limit) or int(limit) < 1:
        raise ValueError(f"limit={limit[:64]}: 1 to {limits.PAGE_ROWS} is accepted")
    return LogFilter(
        correlation_id=parameters.get("correlation_id", "").strip(),
        trace_id=bytes.fromhex(trace_id) if trace_id else None,
        service=parameters.get("service", ""),
        severity=minimum(level) if level else 0,
        text=parameters.get("q", "").strip(),
        limit=min(int(limit), limits.PAGE_ROWS),
    )
