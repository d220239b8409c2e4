"""Rows of the trace list, ready for the template."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from django_observe.console import pins
from django_observe.console.formatting import duration, short_id, visible
from django_observe.console.shapes import Stroke, shapes


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
    correlation_label: str
    shape: Sequence[Stroke]
    pinned: bool


def listed(
    connection: sqlite3.Connection, rows: Sequence[sqlite3.Row], hues: Mapping[str, int]
) -> list[ListedTrace]:
    """Trace summaries ready for the template."""
    drawn, pinned = shapes(connection, rows, hues), pins.all_pinned(connection)
    longest = max((row["end_ns"] - row["start_ns"] for row in rows), default=1) or 1
    return [
        _listed(row, longest, drawn[row["trace_id"].hex()], pinned=row["trace_id"] in pinned) for row in rows
    ]


def _listed(row: sqlite3.Row, longest: int, shape: Sequence[Stroke], *, pinned: bool) -> ListedTrace:
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
        correlation_id=row["corr"] or "",
        correlation_label=visible(short_id(row["corr"] or "")),
        shape=shape,
        pinned=pinned,
    )
