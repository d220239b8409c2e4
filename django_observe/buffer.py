"""What one pipeline holds: records as they came, batches ready to be sent; bounded, with exact books."""

from __future__ import annotations

from collections import deque
from typing import Any

from django_observe.batch import Batch
from django_observe.ledger import Account, DropReason, Ledger
from django_observe.route import Limits, Outcome

BATCH_BYTES = 512 * 1024
"""Of the records that are encoded at once, which takes a multiple of it for a moment."""


class Buffer:
    """Its user holds a lock. A record is in when it is in the deque: one step, that nothing can interrupt.

    The oldest records are kept, because the start of an incident tells most.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: deque[tuple[Any, int]] = deque()
        self._batches: deque[Batch] = deque()
        self._ahead = 0
        """Records that wait no longer, but have not left: being encoded, or in batches."""
        self._bytes = self._taken_bytes = self._encoded_bytes = 0
        self._books = Account()
        self._dropped_at_end: int | None = None

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._dropped_at_end is not None

    @property
    def waiting(self) -> int:
        """Records that are to be encoded."""
        return len(self._waiting)

    @property
    def queued(self) -> int:
        """Records that have not left."""
        return len(self._waiting) + self._ahead if self._dropped_at_end is None else 0

    @property
    def left(self) -> int:
        """How many records that were queued are no longer."""
        return self._books.left

    @property
    def lost(self) -> int:
        """How many of these nobody will get."""
        return self._books.lost

    @property
    def first(self) -> Batch | None:
        """The batch that has waited longest."""
        return self._batches[0] if self._batches else None

    def room_for(self, size: int) -> int:
        """How many would wait with a record of so many bytes; 0: there is none, and it counts as dropped."""
        if self._dropped_at_end is not None:
            self._books.turn_away(DropReason.SHUTDOWN)
            return 0
        waiting, limits = len(self._waiting), self._limits
        held = self._bytes + self._taken_bytes + self._encoded_bytes
        if waiting + self._ahead >= limits.queue or held + size > limits.bytes:
            self._books.turn_away(DropReason.QUEUE_FULL)
            return 0
        return waiting + 1

    def append(self, record: Any, size: int) -> None:
        """Takes a record in. `size` may be counted without it, for as long as the deque is not empty."""
        self._bytes += size
        self._waiting.append((record, size))

    def take(self) -> list[Any]:
        """Records for one batch, of about BATCH_BYTES at most; they are still queued."""
        taken: list[Any] = []
        size = 0
        while self._waiting and len(taken) < self._limits.batch and size < BATCH_BYTES:
            record, its_size = self._waiting.popleft()
            taken.append(record)
            size += its_size
        self._ahead += len(taken)
        self._bytes = self._bytes - size if self._waiting else 0
        self._taken_bytes = size
        return taken

    def put(self, batch: Batch) -> None:
        """Takes records back that were encoded, or could not be."""
        self._taken_bytes = 0
        if self.is_closed:
            return
        if batch.loss:
            self._ahead -= batch.count
            self._books.lose(batch.count, batch.loss)
        else:
            self._batches.append(batch)
            self._encoded_bytes += len(batch.body)

    def settle(self, outcome: Outcome) -> None:
        """Books the first batch as exported, or as lost, in part or as a whole."""
        batch = self._batches.popleft()
        self._ahead -= batch.count
        self._encoded_bytes -= len(batch.body)
        lost, reason = batch.count, DropReason.REFUSED
        if outcome.verdict == "exported":
            lost, reason = max(min(outcome.rejected, batch.count), 0), DropReason.REJECTED
            self._books.export(batch.count - lost)
        elif outcome.verdict == "retry":
            reason = DropReason.UNDELIVERED
        self._books.lose(lost, reason)

    def close(self) -> None:
        """Drops what is queued, and whatever comes from now on."""
        if self._dropped_at_end is None:
            self._dropped_at_end = len(self._waiting) + self._ahead
        self._waiting.clear()
        self._batches.clear()

    def ledger(self) -> Ledger:
        """The books as they stand."""
        return self._books.ledger(self.queued, dropped_at_end=self._dropped_at_end or 0)
