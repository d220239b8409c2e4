"""The picture above the trace list: each trace a dot, time to the right, duration upwards (logarithmic)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django_observe.console.formatting import duration, visible
from django_observe.console.time_axis import TimeAxis
from django_observe.console.timerange import TimeRange

HEIGHT: Final = 132
_TOP, _BOTTOM = 10, 108
_LEAST_NS: Final = 1000
_AIR: Final = 0.08


@dataclass(frozen=True)
class Dot:
    """`x` in percent, `y` in pixels."""

    x: float
    y: float
    hue: int
    failed: bool
    id: str
    text: str


@dataclass(frozen=True)
class Scatter:
    """Dots with the lines of both scales; durations in nanoseconds."""

    dots: Sequence[Dot]
    levels: Sequence[tuple[float, str]]
    axis: TimeAxis
    median_ns: int
    p95_ns: int
    failed: int


@dataclass(frozen=True)
class _Plane:
    """Times and durations to percent and pixels; `low` and `high` are powers of ten of nanoseconds."""

    axis: TimeAxis
    low: float
    high: float

    def y(self, ns: float) -> float:
        scale = (_BOTTOM - _TOP) / max(self.high - self.low, 0.01)
        return round(_BOTTOM - (math.log10(max(ns, _LEAST_NS)) - self.low) * scale, 1)

    def levels(self) -> list[tuple[float, str]]:
        powers = range(math.ceil(self.low), math.floor(self.high) + 1)
        return [(self.y(10.0**power), duration(10**power)) for power in powers]


def scatter(rows: Sequence[Any], shown: TimeRange, hues: Mapping[str, int]) -> Scatter | None:
    """Of the traces given, newest first; None when there is none."""
    if not rows:
        return None
    since = rows[-1]["listed_ns"] if shown.since_ns is None else shown.since_ns
    until = max(rows[0]["listed_ns"] if shown.until_ns is None else shown.until_ns, since + 10**9)
    lengths = sorted(max(_length(row), _LEAST_NS) for row in rows)
    plane = _Plane(TimeAxis(since, until), math.log10(lengths[0]) - _AIR, math.log10(lengths[-1]) + _AIR)
    return Scatter(
        dots=[_dot(row, plane, hues) for row in rows],
        levels=plane.levels(),
        axis=plane.axis,
        median_ns=lengths[len(lengths) // 2],
        p95_ns=lengths[min(len(lengths) * 95 // 100, len(lengths) - 1)],
        failed=sum(row["errors"] > 0 for row in rows),
    )


def _dot(row: Any, plane: _Plane, hues: Mapping[str, int]) -> Dot:
    name = visible(row["root_name"][:80])
    return Dot(
        x=plane.axis.x(row["listed_ns"]),
        y=plane.y(_length(row)),
        hue=hues.get(row["root_service"], 0),
        failed=row["errors"] > 0,
        id=row["trace_id"].hex(),
        text=f"{visible(row['root_service'])} {name} {duration(_length(row))}",
    )


def _length(row: Any) -> int:
    return int(row["end_ns"] - row["start_ns"])
