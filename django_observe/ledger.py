"""The books of delivery: every accepted record is exported, dropped for a reason, or still queued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from typing import Final


class DropReason:
    """Why a record was lost: values of the label `reason`."""

    QUEUE_FULL: Final = "queue_full"
    ENCODE: Final = "encode"
    TOO_LARGE: Final = "too_large"
    REJECTED: Final = "rejected"
    REFUSED: Final = "refused"
    UNDELIVERED: Final = "undelivered"
    SHUTDOWN: Final = "shutdown"
    KILLED: Final = "killed"
    """Of a process that ended without a word; whoever buries it counts them."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The books of one signal in this process; always `accepted == exported + sum(dropped) + queued`."""

    accepted: int = 0
    exported: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    queued: int = 0
    last_success_seconds: float | None = None
    """Unix time of the last batch that the receiver took."""

    @property
    def lost(self) -> int:
        """How many were dropped, for any reason."""
        return sum(self.dropped.values())


class Account:
    """The books while they are kept. Its user holds a lock.

    What is queued its user knows, and what was accepted is the sum: the books balance whatever a signal's
    handler raises between two lines.
    """

    __slots__ = ("_dropped", "_exported", "_last_success", "left", "lost")

    def __init__(self) -> None:
        self._exported = 0
        self.left = self.lost = 0
        """Of the records that were queued: how many are no longer, and how many of these were lost."""
        self._dropped: Counter[str] = Counter()
        self._last_success: float | None = None

    def turn_away(self, reason: str) -> None:
        """Books a record that was not even queued."""
        self._dropped[reason] += 1

    def export(self, count: int) -> None:
        """Books queued records that the receiver has."""
        self._last_success = time()
        self._exported += count
        self.left += count

    def lose(self, count: int, reason: str) -> None:
        """Books queued records that nobody will get."""
        if count:
            self._dropped[reason] += count
            self.left += count
            self.lost += count

    def ledger(self, queued: int, *, dropped_at_end: int = 0) -> Ledger:
        """The books as they stand, with so many records queued, and so many that were when delivery ended."""
        dropped = dict(self._dropped)
        if dropped_at_end:
            dropped[DropReason.SHUTDOWN] = dropped.get(DropReason.SHUTDOWN, 0) + dropped_at_end
        accepted = self._exported + sum(dropped.values()) + queued
        return Ledger(accepted, self._exported, dropped, queued, self._last_success)
