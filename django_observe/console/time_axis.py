"""The axis under a picture of a time range: moments to percent of its width, times of day to write there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django_observe.console.formatting import clock

LEFT: Final = 1.0
WIDTH: Final = 98.0
"""Percent: the margins are what drag.js takes off again."""

_TIMES: Final = 5


@dataclass(frozen=True)
class TimeAxis:
    """Unix nanoseconds, both ends included."""

    since_ns: int
    until_ns: int

    @property
    def since_ms(self) -> int:
        """For scripts, which count in milliseconds."""
        return self.since_ns // 10**6

    @property
    def until_ms(self) -> int:
        """The right end."""
        return -(-self.until_ns // 10**6)

    def x(self, ns: int) -> float:
        """The position of a moment, kept within the axis."""
        share = min(max((ns - self.since_ns) / (self.until_ns - self.since_ns), 0), 1)
        return round(LEFT + share * WIDTH, 2)

    @property
    def times(self) -> list[tuple[float, str]]:
        """Five, evenly spread, with their positions."""
        step = (self.until_ns - self.since_ns) // (_TIMES - 1)
        moments = (self.since_ns + step * number for number in range(_TIMES))
        return [(self.x(at), clock(at)[:8]) for at in moments]
