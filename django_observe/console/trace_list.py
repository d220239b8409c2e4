"""Rows of the trace list and the filter above it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from django.http import QueryDict

from django_observe.console.formatting import duration, visible
from django_observe.console.queries import TraceFilter


@dataclass(frozen=True)
class ListedTrace:
    """One trace as the list shows it; `share` is its duration in percent of the longest shown."""

    id: str
    start_ns: int
    service: str
    name: str
    rooted: bool
    services: list[tuple[str, int]]
    duration: str
    share: float
    spans: int
    errors: int
    logs: int
    http: int | None
    correlation_id: str


def listed(rows: Iterable[sqlite3.Row]) -> list[ListedTrace]:
    """Trace summaries ready for the template."""
    rows = list(rows)
    longest = max((row["end_ns"] - row["start_ns"] for row in rows), default=1) or 1
    return [_listed(row, longest) for row in rows]


def _listed(row: sqlite3.Row, longest: int) -> ListedTrace:
    length = row["end_ns"] - row["start_ns"]
    counts: dict[str, int] = orjson.loads(row["services"])
    return ListedTrace(
        id=row["trace_id"].hex(),
        start_ns=row["start_ns"],
        service=row["root_service"],
        name=visible(row["root_name"]),
        rooted=bool(row["rooted"]),
        services=sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])),
        duration=duration(length),
        share=max(round(length * 100 / longest, 2), 0.5),
        spans=row["spans"],
        errors=row["errors"],
        logs=row["logs"],
        http=row["http"],
        correlation_id=visible(row["corr"] or ""),
    )


def trace_filter(parameters: QueryDict) -> TraceFilter:
    """Raises ValueError that names the parameter and what it accepts."""
    before, minimum = parameters.get("before", ""), parameters.get("min_ms", "").strip()
    if before and not re.fullmatch(r"\d{1,18}|\d{19}", before):
        raise ValueError(f"before={before[:40]}: a time in Unix nanoseconds is accepted")
    if minimum and not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", minimum):
        raise ValueError(f"min_ms={minimum[:40]}: milliseconds are accepted, such as 250")
    return TraceFilter(
        service=parameters.get("service", ""),
        text=parameters.get("q", "").strip(),
        errors=parameters.get("status") == "error",
        min_duration_ns=int(float(minimum) * 10**6) if minimum else 0,
        correlation_id=parameters.get("correlation_id", "").strip(),
        before=min(int(before), 2**63 - 1) if before else None,
    )
