"""What the page of one service shows over time, and of the SQL that it sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django_observe.console import figures, histogram
from django_observe.console.figures import Line
from django_observe.console.formatting import duration, visible
from django_observe.console.rate_queries import Measure
from django_observe.console.recent_spans import Example, Statement
from django_observe.console.shortsql import shortened
from django_observe.console.window import Window

_STATEMENTS: Final = 30


@dataclass(frozen=True)
class StatementRow:
    """A statement without values. `share` is of all statements' time, in percent."""

    short: str
    text: str
    dialect: str
    calls: int
    per_request: str
    p95: str
    total: str
    share: float
    slowest: Example | None


def statements(found: list[Statement], requests: int) -> list[StatementRow]:
    """Those that took most of the time; how often one is called per request, if there were any."""
    everything = sum(one.total_ns for one in found) or 1
    return [
        StatementRow(
            short=visible(shortened(one.text)),
            text=visible(one.text),
            dialect=one.dialect,
            calls=one.calls,
            per_request=figures.rate(one.calls / requests) if requests else "",
            p95=duration(int(histogram.quantile(one.counts, 0.95, one.total_ns))),
            total=duration(one.total_ns),
            share=round(one.total_ns * 100 / everything, 1),
            slowest=one.slowest,
        )
        for one in found[:_STATEMENTS]
    ]


def series(slots: list[Measure], at: Window) -> dict[str, list[float | None]]:
    """For charts: Unix seconds, requests a second, percent of errors, and percentiles in milliseconds."""
    return {
        "times": list(at.starts),
        "rate": [round(slot.n / at.slot_seconds(number), 4) for number, slot in enumerate(slots)],
        "errors": [round(slot.errors * 100 / slot.n, 3) if slot.n else None for slot in slots],
        **{
            name: [round(slot.quantile(share) / 10**6, 4) if slot.n else None for slot in slots]
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
    }


@dataclass(frozen=True)
class Chart:
    """A chart as it is without JavaScript: its lines and, in words, what they show."""

    key: str
    title: str
    unit: str
    lines: dict[str, Line]
    highest: str
    summary: str


def charts(data: dict[str, list[float | None]]) -> list[Chart]:
    """Rate, errors and durations of a `series`."""
    return [
        _chart("rate", "Requests", "per second", data, ("rate",)),
        _chart("errors", "Errors", "% of requests", data, ("errors",)),
        _chart("durations", "Duration", "p50, p95, p99", data, ("p50", "p95", "p99")),
    ]


def _chart(
    key: str, title: str, unit: str, data: dict[str, list[float | None]], names: tuple[str, ...]
) -> Chart:
    values = [value for name in names for value in data[name] if value is not None]
    highest = max(values, default=0.0)
    told = duration(int(highest * 10**6)) if key == "durations" else figures.rate(highest)
    drawn = {name: figures.line(data[name], 120, highest) for name in names}
    latest = next((value for value in reversed(data[names[-1]]) if value is not None), 0.0)
    last = duration(int(latest * 10**6)) if key == "durations" else figures.rate(latest)
    return Chart(key, title, unit, drawn, told, f"{title}, {unit}: at most {told}, last {last}")
