"""How long a span took beside others of its kind."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

_SAMPLE: Final = 500
_ROWS: Final = 50_000
_LEAST: Final = 5
_RECENT: Final = """SELECT dur_ns FROM span WHERE service=? AND name=? AND kind=?
  AND id > (SELECT max(id) FROM span) - ? ORDER BY id DESC LIMIT ?"""


@dataclass(frozen=True)
class Typical:
    """Percentiles in nanoseconds of `count` spans; `slower_than` is the share (0 to 100) that took less."""

    count: int
    p50_ns: int
    p95_ns: int
    slower_than: int


def typical(connection: sqlite3.Connection, span: Any) -> Typical | None:
    """Of the latest spans with the same service, name and kind; None of fewer than five."""
    rows = connection.execute(_RECENT, (span["service"], span["name"], span["kind"], _ROWS, _SAMPLE))
    durations = sorted(row[0] for row in rows)
    count = len(durations)
    if count < _LEAST:
        return None
    return Typical(
        count,
        durations[count // 2],
        durations[min(count * 95 // 100, count - 1)],
        bisect_left(durations, span["dur_ns"]) * 100 // count,
    )
