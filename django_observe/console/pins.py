"""Traces that eviction passes over: someone still needs them."""

from __future__ import annotations

import sqlite3
import time

from django_observe.console import limits
from django_observe.console.limits import Retention

_PIN = """INSERT OR IGNORE INTO pin(trace_id, pinned_ns) SELECT trace_id, :now FROM trace
  WHERE trace_id=:id AND (SELECT count(*) FROM pin) < :most
  AND (SELECT total(spans) <= :spans / 2.0 AND total(logs) <= :logs / 2.0 FROM trace
    WHERE trace_id=:id OR trace_id IN (SELECT trace_id FROM pin))"""


def is_pinned(connection: sqlite3.Connection, trace_id: bytes) -> bool:
    """Whether the trace is kept whatever the limits."""
    return connection.execute("SELECT 1 FROM pin WHERE trace_id=?", (trace_id,)).fetchone() is not None


def all_pinned(connection: sqlite3.Connection) -> set[bytes]:
    """IDs of all pinned traces."""
    return {row[0] for row in connection.execute("SELECT trace_id FROM pin")}


def pin(connection: sqlite3.Connection, trace_id: bytes, keep: Retention) -> None:
    """Pins a stored trace, unless `limits.PINNED_TRACES` are pinned or half the room would be taken.

    What is pinned counts towards the limits: were it all of them, nothing new would stay.
    """
    bounds = {"most": limits.PINNED_TRACES, "spans": keep.spans, "logs": keep.logs}
    connection.execute(_PIN, {"now": time.time_ns(), "id": trace_id, **bounds})


def unpin(connection: sqlite3.Connection, trace_id: bytes) -> None:
    """Gives the trace back to eviction."""
    connection.execute("DELETE FROM pin WHERE trace_id=?", (trace_id,))
