"""From moments to places on the timeline of a trace, in percent; all of it, or the part zoomed to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from django_observe.console.formatting import duration

_LEAST: Final = 0.15
_TICKS: Final = 6
_LAST_TICK: Final = 96.0
_STEPS: Final = (1, 2, 5)


@dataclass(frozen=True)
class Bar:
    """Left edge and width in percent."""

    x: float
    width: float


class Scale:
    """Spans define the timeline: a log line's odd clock cannot stretch it."""

    def __init__(
        self, spans: Sequence[Any], logs: Sequence[Any], zoom_us: tuple[int, int] | None = None
    ) -> None:
        starts = [span["start_ns"] for span in spans] or [log["ts"] for log in logs] or [0]
        ends = [span["start_ns"] + span["dur_ns"] for span in spans] or [log["ts"] for log in logs] or [0]
        self.start_ns: int = min(starts)
        self.length_ns: int = max(max(ends) - self.start_ns, 1)
        begin, end = zoom_us or (0, 0)
        self.zoomed = 0 <= begin < end and begin * 1000 < self.length_ns
        self.from_ns = self.start_ns + begin * 1000 if self.zoomed else self.start_ns
        self.shown_ns = (end - begin) * 1000 if self.zoomed else self.length_ns

    def whole(self) -> Scale:
        """The same timeline, not zoomed."""
        scale = copy(self)
        scale.zoomed, scale.from_ns, scale.shown_ns = False, self.start_ns, self.length_ns
        return scale

    def at(self, ns: int) -> float:
        """Position of a moment, kept within the timeline."""
        share: float = (ns - self.from_ns) / self.shown_ns
        return round(min(max(share, 0.0), 1.0) * 100, 2)

    def bar(self, start_ns: int, end_ns: int) -> Bar | None:
        """A stretch of time, never narrower than can be seen; None when it lies outside of what is shown."""
        if self.zoomed and (end_ns < self.from_ns or start_ns > self.from_ns + self.shown_ns):
            return None
        left = self.at(start_ns)
        width = max(round(self.at(end_ns) - left, 2), _LEAST)
        return Bar(min(left, 100 - _LEAST), width)

    def mark(self, ns: int) -> Bar | None:
        """A moment; None when it lies outside of what is zoomed to."""
        outside = self.zoomed and not self.from_ns <= ns <= self.from_ns + self.shown_ns
        return None if outside else Bar(self.at(ns), 0)

    def bars(self, stretches: Iterable[tuple[int, int]]) -> list[Bar]:
        """Stretches in order, those that touch at this scale drawn as one."""
        joined: list[Bar] = []
        for bar in (self.bar(start, end) for start, end in sorted(stretches)):
            if bar is None:
                continue
            if joined and bar.x - joined[-1].x - joined[-1].width < _LEAST:
                last = joined.pop()
                bar = Bar(last.x, max(last.width, round(bar.x + bar.width - last.x, 2)))  # noqa: PLW2901
            joined.append(bar)
        return joined

    def ticks(self) -> list[tuple[float, str]]:
        """At most six round times since the trace's start."""
        least = self.shown_ns / _TICKS
        powers = (10**power * step for power in range(19) for step in _STEPS)
        step = next(size for size in powers if size >= least)
        first = -(-(self.from_ns - self.start_ns) // step) * step
        times = (first + number * step for number in range(_TICKS + 1))
        placed = ((round((ns + self.start_ns - self.from_ns) * 100 / self.shown_ns, 2), ns) for ns in times)
        return [(x, tick_text(ns)) for x, ns in takewhile(lambda tick: tick[0] <= _LAST_TICK, placed)]


def tick_text(ns: int) -> str:
    """A round duration without the zeros that say nothing: 50 ms, 1.5 s."""
    number, _, unit = duration(ns).rpartition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}" if ns else "0"
