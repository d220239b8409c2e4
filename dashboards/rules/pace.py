"""Durations of the rules, all of them through one function, so that a drill can run them faster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECOND: Final = 1
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_UNITS: Final = (("d", DAY * 1000), ("h", HOUR * 1000), ("m", MINUTE * 1000), ("s", 1000), ("ms", 1))


@dataclass(frozen=True, slots=True)
class Pace:
    """How many times faster than real time the rules run: 10 makes 5m 30s; 1 for production."""

    times: float = 1

    def __call__(self, seconds: float) -> str:
        """The duration as Prometheus and Loki write it, e.g. `1m30s`; the smallest is a millisecond."""
        left = max(1, round(1000 * seconds / self.times))
        parts = []
        for unit, size in _UNITS:
            count, left = divmod(left, size)
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts)

    def number(self, seconds: float) -> str:
        """The duration as a number of seconds, to compare with `time()`."""
        return f"{seconds / self.times:g}"
