"""The picture of a story: a lane per service, each step a bar with its waits, log lines as dots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from django_observe.console.bars import HEIGHT, Bar, bar_of
from django_observe.console.broken_axis import BrokenAxis
from django_observe.console.formatting import visible
from django_observe.console.intervals import Interval
from django_observe.console.severity import level_name
from django_observe.console.step import Step

AXIS, HEAD, ROW, FOOT = 30, 17, 25, 20
"""Heights in CSS pixels: the axis, the room above a lane's bars, a row of bars, the dots under them."""

_STEPS: Final = 300
_DOT_WIDTH: Final = 0.45
_AIR: Final = 0.6


class Dot(NamedTuple):
    """A log line, or several at one spot: the gravest of them."""

    x: float
    y: float
    level: str
    id: int
    text: str


class Connector(NamedTuple):
    """From the step that caused another, straight down or up at the moment it did."""

    x: float
    y1: int
    y2: int


@dataclass
class Lane:
    """What happened in one service, or at one host outside; `y` and `height` in pixels."""

    name: str
    hue: int
    outside: bool
    y: int = 0
    height: int = 0
    bars: list[Bar] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)


class Picture:
    """All lanes, top to bottom in the order in which they come into the story, outside hosts last.

    Of the steps and lines given only what lies within `window` is drawn; ticks count from `zero_ns`.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        logs: Sequence[Any],
        hues: Mapping[str, int],
        window: Interval | None = None,
        zero_ns: int | None = None,
    ) -> None:
        low, high = window or (0, 2**63)
        seen = [(max(start, low), min(end, high)) for start, end in _seen(steps, logs)]
        self.axis = BrokenAxis(seen or [(low, high)], zero_ns)
        drawn = steps[:_STEPS]
        self.left_out = len(steps) - len(drawn)
        self.lanes = _lanes(drawn, logs, hues)
        y = AXIS
        for lane in self.lanes:
            lane.y = y
            rows = self._place(lane, [step for step in drawn if step.lane == lane.name])
            lane.height = HEAD + rows * ROW + FOOT
            if not lane.outside:
                lane.dots = self._dots(lane, [log for log in logs if log["service"] == lane.name])
            y += lane.height
        self.height = y
        self.connectors = self._connect()

    def _place(self, lane: Lane, steps: Sequence[Step]) -> int:
        """Gives each step the first row in which it and its label have room; how many rows that takes."""
        ends: list[float] = []
        rows_of: dict[str, int] = {}
        for step in steps:
            bar = bar_of(step, self.axis)
            row = rows_of.get(step.task_id, -1)
            if row >= 0 and ends[row] <= bar.x:
                bar = bar.without_waits_before(ends[row])
            else:
                row = next((row for row, end in enumerate(ends) if end <= bar.left), len(ends))
            ends[row : row + 1] = [bar.right + _AIR]
            if step.task_id:
                rows_of[step.task_id] = row
            lane.bars.append(replace(bar, y=lane.y + HEAD + row * ROW))
        return max(len(ends), 1)

    def _dots(self, lane: Lane, logs: Iterable[Any]) -> list[Dot]:
        spots: dict[int, Any] = {}
        for log in logs:
            spot = round(self.axis.at(log["ts"]) / _DOT_WIDTH)
            if spot not in spots or log["sev"] > spots[spot]["sev"]:
                spots[spot] = log
        y = lane.y + lane.height - FOOT / 2
        return [
            Dot(self.axis.at(log["ts"]), y, level_name(log["sev"]), log["id"], visible(log["body"][:120]))
            for log in spots.values()
        ]

    def _connect(self) -> list[Connector]:
        bars = {bar.step.id: bar for lane in self.lanes for bar in lane.bars}
        found = []
        for bar in bars.values():
            cause = bars.get(bar.step.parent)
            if cause is None or cause.y == bar.y:
                continue
            down = cause.y < bar.y
            end = bar.middle if bar.caused_x < bar.x else bar.y - 1 if down else bar.y + HEIGHT + 1
            found.append(Connector(bar.caused_x, cause.y + HEIGHT if down else cause.y, end))
        return found


def _seen(steps: Sequence[Step], logs: Iterable[Any]) -> list[Interval]:
    return [(step.start_ns, step.end_ns) for step in steps] + [(log["ts"], log["ts"]) for log in logs]


def _lanes(steps: Sequence[Step], logs: Iterable[Any], hues: Mapping[str, int]) -> list[Lane]:
    first: dict[str, tuple[bool, int]] = {}
    for step in steps:
        first.setdefault(step.lane, (step.outside, step.first_ns))
    for log in logs:
        first.setdefault(log["service"], (False, log["ts"]))
    names = sorted(first, key=lambda name: first[name])
    return [Lane(name, hues.get(name, 0), outside=first[name][0]) for name in names]
