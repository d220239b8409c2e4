"""What was received, refused and lost since the console started; told in the footer and by /api/status."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """The last request that was turned away: a misconfigured exporter finds its reason on the screen."""

    status: int
    reason: str
    at: float


class Intake:
    """Counters that all threads share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self.refusal: Refusal | None = None

    def accept(self, signal: str, count: int) -> None:
        """Counts records that were committed (spans, logs) or taken without being kept (metric_requests)."""
        with self._lock:
            self._accepted[signal] += count

    def drop(self, reason: str, count: int) -> None:
        """Counts records that were received and not kept."""
        if count:
            with self._lock:
                self._dropped[reason] += count

    def refuse(self, status: int, reason: str) -> None:
        """Remembers a request that was answered with an error."""
        with self._lock:
            self._accepted["refused_requests"] += 1
            self.refusal = Refusal(status, reason, time.time())

    def accepted(self) -> dict[str, int]:
        """Counts by signal."""
        with self._lock:
            return dict(self._accepted)

    def dropped(self) -> dict[str, int]:
        """Counts by reason."""
        with self._lock:
            return dict(self._dropped)
