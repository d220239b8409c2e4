"""When a receiver that fails is tried again: full jitter first, then a circuit breaker with single probes."""

from __future__ import annotations

import random
from time import monotonic

BREAKER_AFTER = 3
"""Failures in a row after which the breaker opens."""

BREAKER_SECONDS = 5.0
"""While the breaker is open one request is tried in about this time."""

MAX_SECONDS = 300.0
_HURRIED_SECONDS = 0.2


class Backoff:
    """Counts failures in a row. Full jitter keeps many processes from coming back in step."""

    __slots__ = ("_not_before", "failures", "why")

    def __init__(self) -> None:
        self.failures = 0
        self.why = ""
        """What the last failure was; empty while all is well."""
        self._not_before = 0.0

    @property
    def seconds(self) -> float:
        """How long to wait before the next try; 0 for none."""
        return max(self._not_before - monotonic(), 0.0)

    def succeeded(self) -> None:
        """All is well again."""
        self.failures, self.why, self._not_before = 0, "", 0.0

    def failed(self, why: str, asked: float | None, *, hurried: bool) -> None:
        """Counts a failure. `asked`: the receiver's Retry-After; `hurried`: the process wants to exit."""
        self.failures += 1
        self.why = why
        if hurried:
            pause = _HURRIED_SECONDS
        elif self.failures < BREAKER_AFTER:
            pause = random.uniform(0, 0.5 * 2**self.failures)  # noqa: S311 - spreads load, hides nothing
        else:
            pause = BREAKER_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311
        asked = 0.0 if hurried or asked is None else min(asked, MAX_SECONDS)
        self._not_before = monotonic() + max(pause, asked)

    def forgive(self) -> None:
        """Lets the next try be made at once."""
        self._not_before = 0.0
