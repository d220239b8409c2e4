"""What the pages and the API read. Every statement is bounded in rows, and by the store in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from django_observe.console import limits


@dataclass(frozen=True)
class LogFilter:
    """Conditions on log lines; empty means any. `level` is a minimum OTLP severity number."""

    correlation_id: str = ""
    trace_id: bytes | None = None
    service: str = ""
    severity: int = 0
    text: str = ""
    limit: int = 200


@dataclass(frozen=True)
class TraceFilter:
    """Conditions on traces of the list; `before` is the `listed_ns` where the next page starts."""

    service: str = ""
    text: str = ""
    errors: bool = False
    min_duration_ns: int = 0
    correlation_id: str = ""
    before: int | None = None
    limit: int = 50


def services(connection: sqlite3.Connection) -> list[str]:
    """Names in the order in which the services were first seen."""
    rows = connection.execute("SELECT service FROM resource GROUP BY service ORDER BY min(id)")
    return [row[0] for row in rows]


def operations(connection: sqlite3.Connection, service: str) -> list[tuple[str, int]]:
    """Distinct span names of a service with their kind (OTLP number)."""
    rows = connection.execute(
        "SELECT DISTINCT name, kind FROM span WHERE service=? ORDER BY name, kind LIMIT ?",
        (service, limits.PAGE_ROWS),
    )
    return [(row[0], row[1]) for row in rows]


def traces(connection: sqlite3.Connection, wanted: TraceFilter) -> list[sqlite3.Row]:
    """Trace summaries, newest first. A trace of which only log lines have arrived is not listed yet."""
    conditions = [("spans>0", ()), *_trace_conditions(wanted)]
    return connection.execute(
        f"""SELECT * FROM trace WHERE {" AND ".join(text for text, _ in conditions)}
        ORDER BY listed_ns DESC, trace_id LIMIT ?""",  # noqa: S608
        [*(value for _, values in conditions for value in values), wanted.limit],
    ).fetchall()


def _trace_conditions(wanted: TraceFilter) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if wanted.service:
        yield "EXISTS (SELECT 1 FROM json_each(trace.services) WHERE key=?)", (wanted.service,)
    if wanted.text:
        # log lines and browsers write a path with its slash, Django's routes have none
        text = wanted.text.lstrip("/").replace(" /", " ")
        yield "instr(replace(lower(root_service || ' ' || root_name), ' /', ' '), lower(?))", (text,)
    if wanted.errors:
        yield "errors>0", ()
    if wanted.min_duration_ns:
        yield "end_ns-start_ns>=?", (wanted.min_duration_ns,)
    if wanted.correlation_id:
        yield f"trace_id IN ({_TRACES_OF_ID})", (wanted.correlation_id,) * 3
    if wanted.before is not None:
        yield "listed_ns<?", (wanted.before,)


_TRACES_OF_ID = """SELECT trace_id FROM trace WHERE corr=? UNION SELECT trace_id FROM span WHERE corr=?
  UNION SELECT trace_id FROM log WHERE corr=? AND trace_id IS NOT NULL"""


def trace(connection: sqlite3.Connection, trace_id: bytes) -> sqlite3.Row | None:
    """The summary of one trace."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM trace WHERE trace_id=?", (trace_id,)
    ).fetchone()
    return row


def spans(connection: sqlite3.Connection, trace_id: bytes) -> list[sqlite3.Row]:
    """The spans of a trace by start."""
    return connection.execute(
        "SELECT * FROM span WHERE trace_id=? ORDER BY start_ns, id LIMIT ?", (trace_id, limits.TRACE_ROWS)
    ).fetchall()


def trace_logs(connection: sqlite3.Connection, trace_id: bytes) -> list[sqlite3.Row]:
    """The log lines of a trace by time."""
    return connection.execute(
        "SELECT * FROM log WHERE trace_id=? ORDER BY ts, id LIMIT ?", (trace_id, limits.TRACE_ROWS)
    ).fetchall()


def resources(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Attributes of the given resources by id."""
    found = {}
    for resource in set(ids):
        row = connection.execute("SELECT attrs FROM resource WHERE id=?", (resource,)).fetchone()
        found[resource] = orjson.loads(row[0]) if row else {}
    return found


def logs(connection: sqlite3.Connection, wanted: LogFilter) -> list[sqlite3.Row]:
    """Log lines, newest first; full-text matches by arrival, because only that order comes without a sort."""
    conditions = list(_log_conditions(wanted))
    where = "WHERE " + " AND ".join(text for text, _ in conditions) if conditions else ""
    if wanted.text:
        source, order = "log_fts JOIN log ON log.id=log_fts.rowid", "log_fts.rowid DESC"
    else:
        source, order = "log", "log.listed_ns DESC, log.id DESC"
    return connection.execute(
        f"SELECT log.* FROM {source} {where} ORDER BY {order} LIMIT ?",  # noqa: S608
        [*(value for _, values in conditions for value in values), min(wanted.limit, limits.PAGE_ROWS)],
    ).fetchall()


def _log_conditions(wanted: LogFilter) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if wanted.text:
        yield "log_fts MATCH ?", (match_terms(wanted.text),)
    if wanted.correlation_id:
        yield "log.corr=?", (wanted.correlation_id,)
    if wanted.trace_id is not None:
        yield "log.trace_id=?", (wanted.trace_id,)
    if wanted.service:
        yield "log.service=?", (wanted.service,)
    if wanted.severity:
        yield "log.sev>=?", (wanted.severity,)


def match_terms(text: str) -> str:
    """What a user typed as an FTS5 query in which nothing is syntax: words, matched from their start."""
    return " ".join('"{}"*'.format(word.replace('"', '""')) for word in text.split()[:20])


def totals(connection: sqlite3.Connection) -> sqlite3.Row:
    """How much is stored, and how old the oldest is (Unix nanoseconds, or None)."""
    row: sqlite3.Row = connection.execute(
        """SELECT (SELECT count(*) FROM trace WHERE spans>0) AS traces, (SELECT count(*) FROM span) AS spans,
        (SELECT count(*) FROM log) AS logs, (SELECT min(listed_ns) FROM trace) AS oldest_ns,
        (SELECT max(updated) FROM trace) AS updated_ns, (SELECT max(id) FROM span) AS last_span,
        (SELECT max(id) FROM log) AS last_log"""
    ).fetchone()
    return row
