"""What the console keeps, what it took and lost, and where services send to when it is not enough."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from django_observe.console import destinations, formatting, limits
from django_observe.console.instance import Console, console_of
from django_observe.console.page import page
from django_observe.console.store import bytes_used

_REASONS: Final = {
    "evicted_spans": "spans evicted, because their traces were the oldest",
    "evicted_logs": "log lines evicted, because they were the oldest",
    "duplicate_spans": "spans sent twice, kept once",
    "trace_too_large": f"records beyond the {limits.TRACE_ROWS:,} that one trace may have",
    "late_for_evicted_trace": "records that came after their trace was evicted",
    "invalid_records": "records without a valid trace or span ID",
}
_HOUR_NS: Final = 3600 * 10**9


@dataclass(frozen=True)
class Bound:
    """How much of a limit is used, in words and in percent; `option` of the command changes it."""

    name: str
    used: str
    most: str
    percent: float
    option: str


@page
def settings(request: HttpRequest, connection: sqlite3.Connection) -> tuple[str, dict[str, Any]]:
    """GET /settings."""
    console = console_of(request)
    context = {
        "bounds": _bounds(console, connection),
        "pinned": connection.execute("SELECT count(*) FROM pin").fetchone()[0],
        "pinned_most": limits.PINNED_TRACES,
        "taken": console.intake.accepted(),
        "lost": _lost(console),
        "targets": destinations.targets(console),
        "started_ns": int(console.started * 10**9),
        "live": True,
        "nav": "settings",
    }
    return "console/settings.html", context


def _bounds(console: Console, connection: sqlite3.Connection) -> list[Bound]:
    keep = console.retention
    spans, logs, oldest_ns = connection.execute(
        "SELECT (SELECT count(*) FROM span), (SELECT count(*) FROM log), (SELECT min(listed_ns) FROM trace)"
    ).fetchone()
    age_ns = max(time.time_ns() - oldest_ns, 0) // 10**9 * 10**9 if oldest_ns else 0
    size, hours = bytes_used(connection), keep.seconds * 10**9 / _HOUR_NS
    return [
        Bound("Spans", f"{spans:,}", f"{keep.spans:,}", _percent(spans, keep.spans), "--max-spans"),
        Bound("Log lines", f"{logs:,}", f"{keep.logs:,}", _percent(logs, keep.logs), "--max-logs"),
        Bound(
            "Size",
            formatting.size(size),
            formatting.size(keep.bytes),
            _percent(size, keep.bytes),
            "--max-megabytes",
        ),
        Bound(
            "Age",
            formatting.duration(age_ns) if age_ns else "0 s",
            f"{hours:g} h",
            _percent(age_ns, int(keep.seconds * 10**9)),
            "--max-hours",
        ),
    ]


def _percent(used: int, most: int) -> float:
    return min(round(used * 100 / most, 1), 100.0)


def _lost(console: Console) -> list[tuple[int, str]]:
    return [
        (count, _REASONS.get(reason, reason)) for reason, count in sorted(console.intake.dropped().items())
    ]
