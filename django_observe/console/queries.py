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
    """Conditions on log lines; empty means any. `severity` is a minimum OTLP severity number.

    `before` is the (listed_ns, id) of the line behind which the next page starts.
    """

    correlation_id: str = ""
    trace_id: bytes | None = None
    service: str = ""
    logger: str = ""
    severity: int = 0
    text: str = ""
    since_ns: int | None = None
    until_ns: int | None = None
    before: tuple[int, int] | None = None
    limit: int = 200


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
    chosen, parameters = log_selection(wanted)
    return connection.execute(
        f"SELECT log.* FROM {chosen} LIMIT ?",  # noqa: S608 - no user's text, only our own conditions
        [*parameters, min(wanted.limit, limits.PAGE_ROWS)],
    ).fetchall()


def log_selection(wanted: LogFilter) -> tuple[str, list[Any]]:
    """What stands behind FROM, with its parameters: the lines that match, in order."""
    conditions = list(_log_conditions(wanted))
    where = "WHERE " + " AND ".join(text for text, _ in conditions) if conditions else ""
    if wanted.text:
        source, order = "log_fts JOIN log ON log.id=log_fts.rowid", "log_fts.rowid DESC"
    else:
        source, order = "log", "log.listed_ns DESC, log.id DESC"
    return f"{source} {where} ORDER BY {order}", [value for _, values in conditions for value in values]


def _log_conditions(wanted: LogFilter) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if wanted.text:
        yield "log_fts MATCH ?", (match_terms(wanted.text),)
    if wanted.correlation_id:
        yield "log.corr=?", (wanted.correlation_id,)
    if wanted.trace_id is not None:
        yield "log.trace_id=?", (wanted.trace_id,)
    if wanted.service:
        yield "log.service=?", (wanted.service,)
    if wanted.logger:
        yield "log.logger=?", (wanted.logger,)
    if wanted.severity:
        yield "log.sev>=?", (wanted.severity,)
    yield from _of_time(wanted)


def _of_time(wanted: LogFilter) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if wanted.since_ns is not None:
        yield "log.listed_ns>=?", (wanted.since_ns,)
    if wanted.until_ns is not None:
        yield "log.listed_ns<=?", (wanted.until_ns,)
    if wanted.before and wanted.text:
        yield "log_fts.rowid<?", (wanted.before[1],)
    elif wanted.before:
        yield "(log.listed_ns, log.id)<(?, ?)", wanted.before


def match_terms(text: str) -> str:
    """What a user typed as an FTS5 query in which nothing is syntax: words, matched from their start."""
    words = text.replace("\0", " ").split()[:20]  # NUL would end the query within a word
    return " ".join('"{}"*'.format(word.replace('"', '""')) for word in words)


def totals(connection: sqlite3.Connection) -> sqlite3.Row:
    """How much is stored, and how old the oldest is (Unix nanoseconds, or None)."""
    row: sqlite3.Row = connection.execute(
        """SELECT (SELECT count(*) FROM trace WHERE spans>0) AS traces, (SELECT count(*) FROM span) AS spans,
        (SELECT count(*) FROM log) AS logs, (SELECT min(listed_ns) FROM trace) AS oldest_ns,
        (SELECT max(updated) FROM trace) AS updated_ns, (SELECT max(id) FROM span) AS last_span,
        (SELECT max(id) FROM log) AS last_log"""
    ).fetchone()
    return row
