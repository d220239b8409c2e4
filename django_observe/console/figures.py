"""Numbers of requests as they read on the pages: rates, shares of errors, durations, lines of SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django_observe.console.formatting import duration
from django_observe.console.rate_queries import Measure

NOTEWORTHY: Final = 0.01
"""Share of errors from which they are shown as trouble."""

_TEN, _ONE, _TENTH, _LEAST = 10, 1, 0.1, 0.001


@dataclass(frozen=True)
class Figures:
    """A measure ready for a template. `share` is of errors, in percent; `failing` from 1 % on."""

    n: int
    errors: int
    rate: str
    share: float
    error_ratio: str
    failing: bool
    p50: str
    p95: str
    p99: str
    p95_ns: int


def figures(measure: Measure, seconds: int) -> Figures:
    """What was measured in so many seconds."""
    share = measure.errors / measure.n if measure.n else 0.0
    p50, p95, p99 = (measure.quantile(part) for part in (0.5, 0.95, 0.99))
    return Figures(
        n=measure.n,
        errors=measure.errors,
        rate=rate(measure.n / seconds),
        share=round(share * 100, 2),
        error_ratio=percent(share),
        failing=share >= NOTEWORTHY,
        p50=duration(p50),
        p95=duration(p95),
        p99=duration(p99),
        p95_ns=p95,
    )


def rate(per_second: float) -> str:
    """Two to three figures: 1,204, 12.4, 0.42, 0.017."""
    if per_second >= _TEN:
        return f"{per_second:,.0f}" if per_second >= _TEN**2 else f"{per_second:.1f}"
    if per_second >= _ONE:
        return f"{per_second:.2f}"
    if per_second >= _TENTH or not per_second:
        return f"{per_second:.2f}" if per_second else "0"
    return f"{per_second:.3f}" if per_second >= _LEAST else "< 0.001"


def percent(share: float) -> str:
    """0 %, < 0.1 %, 0.4 %, 23 %."""
    hundredths = share * 100
    if 0 < hundredths < _TENTH:
        return "< 0.1 %"
    return f"{hundredths:.1f} %" if 0 < hundredths < _TEN else f"{hundredths:.0f} %"


@dataclass(frozen=True)
class Line:
    """SVG paths of a line and of the area under it, in a box 100 wide; `highest` is the value at its top."""

    path: str
    area: str
    highest: float


def line(values: Sequence[float | None], height: float = 24, highest: float = 0) -> Line:
    """Equally spaced values from left to right; None is a gap, and one alone is drawn across."""
    highest = highest or max((value for value in values if value is not None), default=0)
    scale = (height - 2) / highest if highest else 0
    shown = [*values, *values] if len(values) == 1 else values
    step = 100 / max(len(shown) - 1, 1)
    path, area, pen = "", "", "M"
    for place, value in enumerate(shown):
        if value is None:
            pen = "M"
            continue
        x, y = f"{round(place * step, 2):g}", f"{round(height - 1 - value * scale, 2):g}"
        path += f"{pen}{x} {y}" + ("h.4" if pen == "M" else "")
        area += f"{pen}{x} {height:g}V{y}" if pen == "M" else f"L{x} {y}"
        pen = "L"
    return Line(path, f"{area}V{height:g}Z" if None not in shown and area else "", highest)
