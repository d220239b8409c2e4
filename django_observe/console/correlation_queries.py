"""What is stored of one correlation ID, in time order. Bounded like everything the pages read."""

from __future__ import annotations

import sqlite3
from typing import Final

from django_observe.console import limits

TRACES: Final = """SELECT trace_id FROM trace WHERE corr=:id UNION SELECT trace_id FROM span WHERE corr=:id
  UNION SELECT trace_id FROM log WHERE corr=:id AND trace_id IS NOT NULL"""
_MINE = "(corr=:id OR corr IS NULL)"  # a trace may be shared, as a batch is, with other IDs


def traces(connection: sqlite3.Connection, correlation_id: str) -> list[sqlite3.Row]:
    """Summaries of the traces that carry the ID, oldest first; at most 500."""
    return connection.execute(
        f"SELECT * FROM trace WHERE spans>0 AND trace_id IN ({TRACES}) ORDER BY start_ns LIMIT :limit",  # noqa: S608
        {"id": correlation_id, "limit": limits.PAGE_ROWS},
    ).fetchall()


def spans(connection: sqlite3.Connection, correlation_id: str) -> list[sqlite3.Row]:
    """Spans of those traces that carry the ID or none; at most 10,000."""
    return connection.execute(
        f"SELECT * FROM span WHERE trace_id IN ({TRACES}) AND {_MINE} ORDER BY start_ns, id LIMIT :limit",  # noqa: S608
        {"id": correlation_id, "limit": limits.TRACE_ROWS},
    ).fetchall()


def logs(connection: sqlite3.Connection, correlation_id: str) -> list[sqlite3.Row]:
    """Log lines that carry the ID, and lines of its traces that carry none; at most 10,000."""
    return connection.execute(
        f"""SELECT * FROM log WHERE corr=:id OR (corr IS NULL AND trace_id IN ({TRACES}))
        ORDER BY ts, id LIMIT :limit""",  # noqa: S608
        {"id": correlation_id, "limit": limits.TRACE_ROWS},
    ).fetchall()
