"""A time axis that leaves out the long stretches in which nothing happened, and says so.

A request of 80 ms and its retry a minute later are both seen at a scale at which they can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django_observe.console import intervals
from django_observe.console.formatting import duration
from django_observe.console.intervals import Interval

_IDLE_TIMES_BUSY: Final = 3
_BREAKS: Final = 10
_LEFT, _RIGHT = 0.6, 99.4
_BREAK_WIDTH: Final = 5.5
_LEAST_WIDTH: Final = 6.0
_TICK_WIDTH: Final = 9.0
_TICKED_WIDTH: Final = 24.0
_LAST_TICK: Final = 93.0
_NARROW_TICK_WIDTH: Final = 24.0
_NARROW_LAST_TICK: Final = 80.0


@dataclass(frozen=True)
class Stretch:
    """A part of the axis; `left_out` ones have the same width however long they last. In percent."""

    start_ns: int
    end_ns: int
    x: float
    width: float
    left_out: bool

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return round(self.x + self.width / 2, 2)

    @property
    def text(self) -> str:
        """How long it lasts."""
        return duration(self.end_ns - self.start_ns)


@dataclass(frozen=True)
class Tick:
    """A mark of the axis: percent, time since the start, and whether a stretch begins there.

    A narrow window shows the texts of those that are `narrow`.
    """

    x: float
    text: str
    major: bool
    narrow: bool = False


class BrokenAxis:
    """Nanoseconds to percent of the width. `busy` are the stretches that must be seen; at least one.

    `zero_ns` is where the ticks count from, if not from the first of them.
    """

    def __init__(self, busy: Iterable[Interval], zero_ns: int | None = None) -> None:
        joined = intervals.union(busy)
        self.zero_ns = joined[0][0] if zero_ns is None else zero_ns
        self.start_ns, self.end_ns = joined[0][0], joined[-1][1]
        self.stretches = _stretches(joined)
        ticks = [tick for one in self.stretches if not one.left_out for tick in self._ticks(one)]
        self.ticks = _for_narrow_windows(ticks)

    @property
    def measure(self) -> str:
        """x, width, start and end of each stretch, in percent and microseconds, for scripts."""
        zero = self.zero_ns
        return ";".join(
            f"{one.x},{one.width},{(one.start_ns - zero) // 1000},{(one.end_ns - zero) // 1000}"
            for one in self.stretches
        )

    def at(self, ns: int) -> float:
        """The position of a moment, kept within the axis."""
        moment = min(max(ns, self.start_ns), self.end_ns)
        one = next(one for one in self.stretches if moment <= one.end_ns)
        share = (moment - one.start_ns) / max(one.end_ns - one.start_ns, 1)
        return round(one.x + share * one.width, 2)

    def _ticks(self, one: Stretch) -> list[Tick]:
        since = one.start_ns - self.zero_ns
        ticks = [Tick(one.x, f"+{duration(since)}" if since else "0", major=True)]
        span = one.end_ns - one.start_ns
        if one.width < _TICKED_WIDTH or span * 20 < since:
            return ticks
        step = _round_step(int(span * _TICK_WIDTH / one.width))
        first = (since // step + 1) * step
        last = min(one.x + one.width - _TICK_WIDTH * 0.5, _LAST_TICK)
        for at in range(first, since + span, step):
            x = self.at(self.zero_ns + at)
            if one.x + _TICK_WIDTH * 0.7 <= x <= last:
                ticks.append(Tick(x, f"+{duration(at)}", major=False))
        return ticks


def _for_narrow_windows(ticks: Sequence[Tick]) -> list[Tick]:
    """Marks those whose texts have room there: the first, then as many as stand far enough apart."""
    marked: list[Tick] = []
    free = 0.0
    for tick in ticks:
        narrow = free <= tick.x <= _NARROW_LAST_TICK
        free = tick.x + _NARROW_TICK_WIDTH if narrow else free
        marked.append(replace(tick, narrow=narrow))
    return marked


def _stretches(joined: Sequence[Interval]) -> list[Stretch]:
    breaks = _breaks(joined)
    starts = [joined[0][0], *(end for _, end in breaks)]
    ends = [*(start for start, _ in breaks), joined[-1][1]]
    seen = list(zip(starts, ends, strict=True))
    gap_width = min(_BREAK_WIDTH, 40 / max(len(breaks), 1))
    room = _RIGHT - _LEFT - gap_width * len(breaks)
    least = min(_LEAST_WIDTH, room / (2 * len(seen)))
    total = max(intervals.length(seen), 1)
    stretches: list[Stretch] = []
    x = _LEFT
    for number, (start, end) in enumerate(seen):
        width = least + (room - least * len(seen)) * ((end - start) / total if total > 1 else 1 / len(seen))
        stretches.append(Stretch(start, end, round(x, 2), round(width, 2), left_out=False))
        x += width
        if number < len(breaks):
            stretches.append(Stretch(*breaks[number], round(x, 2), round(gap_width, 2), left_out=True))
            x += gap_width
    return stretches


def _breaks(joined: Sequence[Interval]) -> list[Interval]:
    """The gaps that would leave no room for what happened: the longest ten, in order."""
    busy_ns = intervals.length(joined)
    threshold = busy_ns * _IDLE_TIMES_BUSY if busy_ns else (joined[-1][1] - joined[0][0]) // 5
    long = [gap for gap in intervals.gaps(joined) if gap[1] - gap[0] > threshold]
    return sorted(sorted(long, key=lambda gap: gap[0] - gap[1])[:_BREAKS])


def _round_step(least_ns: int) -> int:
    """1, 2 or 5 times a power of ten, at least `least_ns`."""
    power: int = 10 ** (len(str(max(least_ns, 1))) - 1)
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least_ns)
