"""The books of delivery: every accepted record is exported, dropped for a reason, or still queued."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Final

from django_observe.reporting import guard

NOTICE_SECONDS = 30.0
"""At most one line on stderr in this time, for each signal."""


class DropReason:
    """Why a record was lost: values of the label `reason`."""

    QUEUE_FULL: Final = "queue_full"
    ENCODE: Final = "encode"
    TOO_LARGE: Final = "too_large"
    REJECTED: Final = "rejected"
    REFUSED: Final = "refused"
    UNDELIVERED: Final = "undelivered"
    SHUTDOWN: Final = "shutdown"


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
    """The books while they are kept. Its user holds a lock."""

    __slots__ = ("_dropped", "_exported", "_last_success", "accepted", "left", "lost", "queued")

    def __init__(self) -> None:
        self.accepted = self._exported = self.queued = 0
        self.left = self.lost = 0
        """Of the records that were queued: how many are no longer, and how many of these were lost."""
        self._dropped: Counter[str] = Counter()
        self._last_success: float | None = None

    def turn_away(self, reason: str) -> None:
        """Books an accepted record that was not even queued."""
        self._dropped[reason] += 1

    def export(self, count: int) -> None:
        """Books queued records that the receiver has."""
        self._last_success = time()
        self._exported += count
        self.queued -= count
        self.left += count

    def lose(self, count: int, reason: str) -> None:
        """Books queued records that nobody will get."""
        if count:
            self._dropped[reason] += count
            self.queued -= count
            self.left += count
            self.lost += count

    def ledger(self) -> Ledger:
        """The books as they stand."""
        return Ledger(self.accepted, self._exported, dict(self._dropped), self.queued, self._last_success)


class Notice:
    """Tells stderr of losses and failures: one line in `NOTICE_SECONDS`, never through logging."""

    def __init__(self, signal: str) -> None:
        self._signal = signal
        self._told_lost = 0
        self._next = 0.0

    def tell(self, ledger: Ledger, failure: str, *, last: bool = False) -> None:
        """Prints what was lost and why sending fails (`failure`; empty if it does not): if there is news."""
        news = ledger.lost > self._told_lost
        if not (news or failure) or (monotonic() < self._next and not (last and news)):
            return
        self._next = monotonic() + NOTICE_SECONDS
        self._told_lost = ledger.lost
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(ledger.dropped.items()))
        lost = f"{ledger.lost} of {ledger.accepted} records lost ({reasons})" if ledger.lost else "none lost"
        failing = f"; export fails: {failure}" if failure else ""
        with guard("export.notice"):
            sys.stderr.write(f"django_observe: {self._signal}: {lost}, {ledger.queued} queued{failing}\n")
