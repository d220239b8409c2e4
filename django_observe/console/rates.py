"""Rates, errors and durations by service and operation, and by who calls whom, counted as spans are stored.

Screens that show them need not read every span again.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from django_observe.console.calls import Calls
from django_observe.console.tallies import Tallies, bucket_start

COLUMNS: Final = """trace_id, span_id, parent_id, service, name, kind, start_ns, dur_ns, status, corr, http,
  listed_ns, CASE WHEN kind IN (3, 4) THEN attrs END AS attrs"""
"""What `add` needs to know of a span."""

_REQUESTS: Final = frozenset({2, 5})  # SERVER and CONSUMER
_STATUS_ERROR = 2
_OPERATION_CHARS: Final = 200
_ROWS: Final = 200_000
_STEP: Final = 2_000
_END: Final = 2**62
_EVICT: Final = """DELETE FROM {table} WHERE bucket <=
  (SELECT max(bucket) FROM (SELECT bucket FROM {table} WHERE bucket < ? ORDER BY bucket LIMIT ?))"""


class Rates:
    """Counts spans that were just inserted, each once, within the writer's transaction."""

    def __init__(self) -> None:
        self._red = Tallies("red", "bucket, service, op, kind")
        self._edges = Tallies("edge", "bucket, src, dst, type")
        self._calls = Calls()

    def add(self, row: Any) -> None:
        """Counts a row of `COLUMNS`."""
        if row["kind"] in _REQUESTS:
            key = (
                bucket_start(row["listed_ns"]),
                row["service"],
                row["name"][:_OPERATION_CHARS],
                row["kind"],
            )
            self._red.count(key, row["dur_ns"], row["status"] == _STATUS_ERROR)
        self._calls.add(row, self._edges)

    def save(self, connection: sqlite3.Connection) -> None:
        """Writes what was added since the last call."""
        self._red.save(connection)
        self._edges.save(connection)

    def forget(self) -> None:
        """To be called after a rollback."""
        self._red.forget()
        self._edges.forget()
        self._calls.forget()


def recount(connection: sqlite3.Connection) -> None:
    """Counts all stored spans into empty tables."""
    rates = Rates()
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    for row in cursor.execute(f"SELECT {COLUMNS} FROM span ORDER BY id"):  # noqa: S608
        rates.add(row)
    rates.save(connection)


def evict(connection: sqlite3.Connection, cutoff_ns: int) -> bool:
    """Removes about 2,000 rows of each table that are older, or the oldest of too many; whether it did."""
    removed = 0
    for table in ("red", "edge"):
        surplus = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] - _ROWS  # noqa: S608
        until, step = (_END, min(surplus, _STEP)) if surplus > 0 else (bucket_start(cutoff_ns), _STEP)
        removed += connection.execute(_EVICT.format(table=table), (until, step)).rowcount
    return removed > 0
