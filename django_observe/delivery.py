"""The way of one signal's records out of the process: a bounded queue, one worker thread, exact books."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from threading import Condition, RLock, Thread
from time import monotonic
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation

from django_observe.backoff import Backoff
from django_observe.ledger import Account, DropReason, Ledger, Notice
from django_observe.reporting import guard
from django_observe.route import Limits, Outcome, Receives, Route

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Of one request before compression; receivers commonly refuse more (gRPC's and Loki's default limit)."""

RETRY_SECONDS = 300.0
"""How long a batch is tried again (`max_elapsed_time` of the OpenTelemetry Collector's exporters)."""

CLOSING_FAILURES = 2
"""Failures at exit after which the rest is given up: a dead receiver does not hold a process back."""


@dataclass(slots=True)
class _Batch:
    body: bytes
    count: int
    give_up_at: float = 0.0


class Pipeline:
    """Takes records from any thread without blocking; a new one is dropped when the queue is full.

    The oldest records are kept, because the start of an incident tells most. What waits for a receiver that
    is down waits encoded, in a fraction of the memory.
    """

    def __init__(
        self, route: Route, limits: Limits, on_start: Callable[[], None], on_change: Callable[[], None]
    ) -> None:
        self.route, self.limits = route, limits
        self._on_start, self._on_change = on_start, on_change
        self.renew()

    def renew(self) -> None:
        """Starts from nothing, as a forked child must: lock, thread, connection, records are its parent's."""
        self._lock = RLock()  # reentrant: a destructor that logs may run while it is held
        self._changed = Condition(self._lock)
        self._waiting: deque[Any] = deque()
        self._batches: deque[_Batch] = deque()
        self._books = Account()
        self._notice = Notice(self.route.signal)
        self._backoff = Backoff()
        self._worker: Thread | None = None
        self._receiver: Receives | None = None
        self._urgent = 0
        self._leave_by: float | None = None
        self._closed = False

    def offer(self, record: Any) -> None:
        """Accepts a record: queued, or counted as dropped. The first one starts the worker."""
        books = self._books
        with self._lock:
            books.accepted += 1
            if self._closed or books.queued >= self.limits.queue:
                books.turn_away(DropReason.SHUTDOWN if self._closed else DropReason.QUEUE_FULL)
                return
            books.queued += 1
            self._waiting.append(record)
            if books.queued == 1 or len(self._waiting) == self.limits.batch:
                self._changed.notify_all()
            if self._worker is None:
                self._start()

    def ledger(self) -> Ledger:
        """The books as they stand."""
        with self._lock:
            return self._books.ledger()

    def hurry(self, leave_by: float | None = None) -> tuple[int, int]:
        """Makes the worker send at once; answers what `flushed` wants to be told. `closed` needs nothing.

        With `leave_by` (monotonic seconds) a failing receiver is given up soon.
        """
        with self._lock:
            self._urgent += 1
            if leave_by is not None:
                self._leave_by = leave_by
                self._backoff.failures = 0
            self._backoff.forgive()
            self._changed.notify_all()
            return self._books.left + self._books.queued, self._books.lost

    def flushed(self, mark: tuple[int, int], deadline: float) -> bool:
        """Waits until `deadline` (monotonic seconds) for what was queued at `hurry`: was all exported?"""
        self._wait_for(lambda: self._books.left >= mark[0] or self._is_given_up(), deadline)
        with self._lock:
            self._urgent -= 1
            self._leave_by = self._leave_by if self._urgent else None
            return self._books.left >= mark[0] and self._books.lost == mark[1]

    def closed(self, deadline: float) -> bool:
        """Waits until `deadline` for an empty queue and drops what is left: was nothing left?"""
        self._wait_for(lambda: not self._books.queued or self._is_given_up(), deadline)
        with self._lock:
            left = self._books.queued
            self._closed = True
            self._books.lose(left, DropReason.SHUTDOWN)
            self._waiting.clear()
            self._batches.clear()
            self._changed.notify_all()
        self._tell(last=True)
        return not left

    def _is_given_up(self) -> bool:
        return self._leave_by is not None and self._backoff.failures >= CLOSING_FAILURES

    def _wait_for(self, condition: Callable[[], bool], deadline: float) -> bool:
        if not self._lock.acquire(timeout=max(deadline - monotonic(), 0.01)):
            return False
        try:
            return self._changed.wait_for(condition, max(deadline - monotonic(), 0))
        finally:
            self._lock.release()

    def _start(self) -> None:
        worker = Thread(target=self._run, name=f"django_observe.{self.route.signal}", daemon=True)
        try:
            Context().run(worker.start)  # the request whose span came first is none of its business
        except RuntimeError:  # the interpreter is shutting down: `closed` drops what is queued
            return
        self._worker = worker
        with guard("export.start"):
            self._on_start()

    def _run(self) -> None:
        with suppress_instrumentation():
            while not self._closed:
                self._encode(self._taken())
                if not self._backoff.seconds:
                    self._send()
                self._tell()

    def _taken(self) -> list[Any]:
        """Waits for records, then at most the schedule's delay for more, and takes a batch of them."""
        with self._lock:
            if not self._books.queued and not self._closed:
                self._changed.wait()
            if len(self._waiting) < self.limits.batch and not (self._urgent and self._waiting):
                pause = self._backoff.seconds
                self._changed.wait(pause if self._urgent else max(pause, self.limits.delay))
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self.limits.batch))]

    def _encode(self, records: list[Any]) -> None:
        """Encodes; what cannot be encoded, or is too large, is halved until the culprit stands alone."""
        if not records:
            return
        body: bytes | None = None
        with guard("export.encode"):
            body = self.route.encode(records)
        fits = body is not None and len(body) <= MAX_REQUEST_BYTES
        if not fits and len(records) > 1:
            middle = len(records) // 2
            self._encode(records[:middle])
            self._encode(records[middle:])
            return
        with self._lock:
            if self._closed:
                return
            if body is not None and fits:
                self._batches.append(_Batch(body, len(records)))
            else:
                self._books.lose(1, DropReason.ENCODE if body is None else DropReason.TOO_LARGE)
                self._changed.notify_all()

    def _send(self) -> None:
        while self._batches:
            outcome = self._attempt(self._batches[0].body)
            with self._lock:
                if self._closed:
                    return
                if self._is_to_be_tried_again(self._batches[0], outcome):
                    hurried = self._leave_by is not None
                    self._backoff.failed(outcome.why, outcome.retry_after, hurried=hurried)
                else:
                    self._settle(self._batches.popleft().count, outcome)
                self._changed.notify_all()
                if outcome.verdict == "retry":
                    return

    def _attempt(self, body: bytes) -> Outcome:
        with guard("export.send"):
            if self._receiver is None:
                self._receiver = self.route.receiver()
            seconds, leave_by = self._receiver.timeout, self._leave_by
            if leave_by is not None:
                seconds = min(seconds, max(leave_by - monotonic(), 0.05))
            return self._receiver.post(body, seconds)
        return Outcome("refused", why="a fault in sending")

    def _is_to_be_tried_again(self, batch: _Batch, outcome: Outcome) -> bool:
        batch.give_up_at = batch.give_up_at or monotonic() + RETRY_SECONDS
        return outcome.verdict == "retry" and monotonic() < batch.give_up_at

    def _settle(self, count: int, outcome: Outcome) -> None:
        lost, reason = count, DropReason.REFUSED
        if outcome.verdict == "exported":
            lost, reason = max(min(outcome.rejected, count), 0), DropReason.REJECTED
            self._backoff.succeeded()
            self._books.export(count - lost)
        elif outcome.verdict == "retry":
            reason = DropReason.UNDELIVERED
        self._backoff.why = outcome.why
        self._books.lose(lost, reason)

    def _tell(self, *, last: bool = False) -> None:
        self._notice.tell(self.ledger(), self._backoff.why, last=last)
        with guard("export.on_change"):
            self._on_change()
