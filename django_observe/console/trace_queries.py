"""Reads trace summaries for the list and the picture above it. Bounded in rows, never by OFFSET."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django_observe.console.correlation_queries import TRACES
from django_observe.console.timerange import EVERYTHING
from django_observe.console.trace_filter import SORTS, TraceFilter

POINTS: Final = 400
_COUNTED: Final = 10_000
_PLAIN: Final = (
    "replace(lower({}), ' /', ' ')"  # log lines write a path with its slash, Django's routes without
)


@dataclass(frozen=True)
class Found:
    """A page of the list, and what the picture shows: the newest 400 that match, whichever page is open."""

    rows: Sequence[sqlite3.Row]
    drawn: Sequence[sqlite3.Row]


def find(connection: sqlite3.Connection, wanted: TraceFilter) -> Found:
    """A trace of which only log lines have arrived is not listed yet."""
    newest = _select(connection, replace(wanted, before=None, sort="time", limit=POINTS))
    if wanted.sort == "time" and not wanted.before:
        return Found(newest[: wanted.limit], newest)
    rows = _select(connection, wanted) if newest else []
    return Found(rows, newest)


def _select(connection: sqlite3.Connection, wanted: TraceFilter) -> list[sqlite3.Row]:
    where, parameters = _where(connection, wanted)
    order = f"{SORTS[wanted.sort]} DESC, trace_id"
    return connection.execute(
        f"SELECT *, {SORTS[wanted.sort]} AS place FROM trace WHERE {where} ORDER BY {order} LIMIT ?",  # noqa: S608
        [*parameters, wanted.limit],
    ).fetchall()


def count(connection: sqlite3.Connection, wanted: TraceFilter) -> int:
    """How many match, counted up to 10,000."""
    where, parameters = _where(connection, replace(wanted, before=None))
    row = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM trace WHERE {where} LIMIT {_COUNTED})",  # noqa: S608
        parameters,
    ).fetchone()
    return int(row[0])


def outside(connection: sqlite3.Connection, wanted: TraceFilter) -> int:
    """How many match the other conditions at any time, for when none does in the time range."""
    return count(connection, replace(wanted, range=EVERYTHING)) if wanted.range.query else 0


def keys(connection: sqlite3.Connection) -> list[str]:
    """Attribute names of the latest spans, to choose from."""
    rows = connection.execute(
        """SELECT DISTINCT key FROM (SELECT attrs FROM span ORDER BY id DESC LIMIT 200) AS latest,
        json_each(latest.attrs) ORDER BY key LIMIT 120"""
    )
    return [row[0] for row in rows]


def is_used(connection: sqlite3.Connection, keys: Sequence[str]) -> bool:
    """Whether one of the attributes is on one of the latest 10,000 spans, or on any service."""
    named = " OR ".join(["instr(attrs, ?)"] * len(keys))
    texts = [f'"{key}":' for key in keys]
    query = f"""SELECT 1 FROM (SELECT attrs FROM span ORDER BY id DESC LIMIT {_COUNTED}) WHERE {named}
      UNION ALL SELECT 1 FROM resource WHERE {named} LIMIT 1"""  # noqa: S608 - only our own conditions
    return connection.execute(query, [*texts, *texts]).fetchone() is not None


def _where(connection: sqlite3.Connection, wanted: TraceFilter) -> tuple[str, list[Any]]:
    conditions = [("spans>0", []), *_of_trace(wanted), *_of_range(wanted), *_of_a_span(connection, wanted)]
    return " AND ".join(text for text, _ in conditions), [
        value for _, values in conditions for value in values
    ]


def _of_trace(wanted: TraceFilter) -> Iterator[tuple[str, list[Any]]]:
    for service in wanted.services:
        yield "EXISTS (SELECT 1 FROM json_each(trace.services) WHERE key=?)", [service]
    if wanted.status:
        yield "errors>0" if wanted.status == "error" else "errors=0", []
    if wanted.min_ns:
        yield "end_ns-start_ns>=?", [wanted.min_ns]
    if wanted.max_ns:
        yield "end_ns-start_ns<=?", [wanted.max_ns]
    if wanted.http:
        yield "http BETWEEN ? AND ?", list(wanted.http)
    if wanted.correlation_id:
        yield f"trace_id IN ({TRACES.replace(':id', '?')})", [wanted.correlation_id] * 3
    if wanted.before:
        value = SORTS[wanted.sort]
        yield (
            f"({value}<? OR ({value}=? AND trace_id>?))",
            [wanted.before.value, wanted.before.value, wanted.before.trace_id],
        )


def _of_range(wanted: TraceFilter) -> Iterator[tuple[str, list[Any]]]:
    if wanted.range.since_ns is not None:
        yield "listed_ns>=?", [wanted.range.since_ns]
    if wanted.range.until_ns is not None:
        yield "listed_ns<=?", [wanted.range.until_ns]


def _of_a_span(connection: sqlite3.Connection, wanted: TraceFilter) -> Iterator[tuple[str, list[Any]]]:
    """Conditions that one span must meet together; a text may also stand in the root's service and name."""
    if wanted.text:
        text = wanted.text.lstrip("/").replace(" /", " ")
        root, name = _PLAIN.format("root_service || ' ' || root_name"), _PLAIN.format("span.name")
        yield (
            f"(instr({root}, lower(?)) OR {_exists([f'instr({name}, lower(?))'])})",
            [text, text],
        )
    parts: list[tuple[str, list[Any]]] = [one.sql(connection) for one in wanted.where]
    if wanted.operation:
        parts.append(("span.name=?", [wanted.operation]))
    if parts:
        if wanted.services:
            marks = ", ".join("?" * len(wanted.services))
            parts.insert(0, (f"span.service IN ({marks})", list(wanted.services)))
        yield _exists([text for text, _ in parts]), [value for _, values in parts for value in values]


def _exists(conditions: list[str]) -> str:
    met = " AND ".join(["span.trace_id=trace.trace_id", *conditions])
    return f"EXISTS (SELECT 1 FROM span WHERE {met})"  # noqa: S608 - no user's text, only our own conditions
