"""The shape of a trace, small enough for a row of the list: its longest spans as strokes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

_STROKES: Final = 7
_READ: Final = 200
_LEAST_WIDTH: Final = 2.0
_PITCH: Final = 3


class Stroke(NamedTuple):
    """A span: x and width in percent of its trace, y in pixels."""

    x: float
    width: float
    y: int
    hue: int
    failed: bool


def shapes(
    connection: sqlite3.Connection, traces: Iterable[Any], hues: Mapping[str, int]
) -> dict[str, list[Stroke]]:
    """By trace ID in hexadecimal, for the summaries given."""
    return {row["trace_id"].hex(): _shape(connection, row, hues) for row in traces}


def _shape(connection: sqlite3.Connection, trace: Any, hues: Mapping[str, int]) -> list[Stroke]:
    spans = connection.execute(
        "SELECT service, start_ns, dur_ns, status FROM span WHERE trace_id=? LIMIT ?",
        (trace["trace_id"], _READ),
    ).fetchall()
    longest = sorted(spans, key=lambda span: -span["dur_ns"])[:_STROKES]
    whole = max(trace["end_ns"] - trace["start_ns"], 1)
    strokes = []
    for number, span in enumerate(sorted(longest, key=lambda span: span["start_ns"])):
        width = min(max(span["dur_ns"] * 100 / whole, _LEAST_WIDTH), 100)
        x = min(max((span["start_ns"] - trace["start_ns"]) * 100 / whole, 0), 100 - width)
        hue = hues.get(span["service"], 0)
        strokes.append(Stroke(round(x, 1), round(width, 1), number * _PITCH, hue, span["status"] == 2))  # noqa: PLR2004 - OTLP's ERROR
    return strokes
