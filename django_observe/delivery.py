"""The way of one signal's records out of the process: bounds on what waits, a worker, exact books."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar
from math import inf
from threading import Condition, Lock, RLock, Thread, current_thread
from time import monotonic
from typing import Any

from django_observe import forks
from django_observe.backoff import Backoff
from django_observe.batch import encoded
from django_observe.buffer import Buffer
from django_observe.ledger import DropReason, Ledger
from django_observe.notice import Notice
from django_observe.reporting import guard
from django_observe.route import Limits, Outcome, Receives, Route

is_delivering: ContextVar[bool] = ContextVar("django_observe_is_delivering", default=False)
"""Whether this is one of our own threads: what is logged there would, exported, cause the next line."""

CLOSING_FAILURES = 2
"""Failures at exit after which the rest is given up: a dead receiver does not hold a process back."""


class Pipeline:
    """Takes records from any thread without blocking; a new one is dropped when the queue is full.

    What waits for a receiver waits encoded, in a fraction of the memory: also while the worker waits for an
    answer, when a second thread encodes.
    """

    def __init__(
        self, route: Route, limits: Limits, on_start: Callable[[], None], on_change: Callable[[], None]
    ) -> None:
        self.route, self.limits = route, limits
        self._on_start, self._on_change = on_start, on_change
        self.renew()

    def renew(self) -> None:
        """Starts from nothing, as a forked child must: all it finds is its parent's."""
        self._lock = RLock()  # reentrant: a destructor that logs may run while it is held
        self._changed = Condition(self._lock)
        self._encoding = Lock()
        self._buffer = Buffer(self.limits)
        self._notice = Notice(self.route.signal)
        self._backoff = Backoff()
        self._worker: Thread | None = None
        self._encoder: Thread | None = None
        self._receiver: Receives | None = None
        self._sending = False
        self._hurried = 0
        """How many of all records ever queued are to leave at once: nobody has to take it back."""
        self._leave_by = -inf

    def offer(self, record: Any, size: int = 0) -> None:
        """Accepts a record of about `size` bytes: queued, or counted as dropped. The first starts the worker.

        An exception from a signal's handler leaves it undone: what can be interrupted comes first.
        """
        with self._lock:
            buffer = self._buffer
            waiting = buffer.room_for(size)
            if not waiting:
                return
            if waiting == self.limits.batch or self._worker is None or (waiting == 1 and not buffer.queued):
                self._wake(waiting)
            buffer.append(record, size)

    def refuses(self) -> bool:
        """Whether there is no room for a record that is yet to be made; it is counted as dropped then."""
        with self._lock:
            return not self._buffer.room_for(0)

    def ledger(self) -> Ledger:
        """The books as they stand."""
        with self._lock:
            return self._buffer.ledger()

    def hurry(self, leave_by: float | None = None) -> tuple[int, int]:
        """Has what is queued sent at once; answers what `flushed` wants to be told. `closed` needs nothing.

        Until `leave_by` (monotonic seconds) a failing receiver is given up soon.
        """
        with self._lock:
            self._hurried = self._buffer.left + self._buffer.queued
            if leave_by is not None:
                self._leave_by = leave_by
                self._backoff.failures = 0
            self._backoff.forgive()
            if self._buffer.queued:
                self._wake(0)
            return self._hurried, self._buffer.lost

    def flushed(self, mark: tuple[int, int], deadline: float) -> bool:
        """Waits until `deadline` (monotonic seconds) for what was queued at `hurry`: was all exported?"""
        with self._lock:
            self._wait_for(lambda: self._buffer.left >= mark[0], deadline)
            is_late = DropReason.SHUTDOWN in self._buffer.ledger().dropped
            return self._buffer.left >= mark[0] and self._buffer.lost == mark[1] and not is_late

    def closed(self, deadline: float) -> bool:
        """Waits until `deadline` for an empty queue and drops what is left: was nothing left?"""
        with self._lock:
            self._wait_for(lambda: not self._buffer.queued, deadline)
            left = self._buffer.queued
            self._buffer.close()
            self._changed.notify_all()
        self._tell(last=True)
        return not left

    def _wait_for(self, condition: Callable[[], bool], deadline: float) -> None:
        self._changed.wait_for(
            lambda: condition() or self._buffer.is_closed or self._is_given_up(),
            max(deadline - monotonic(), 0),
        )

    def _is_given_up(self) -> bool:
        return self._is_leaving and self._backoff.failures >= CLOSING_FAILURES

    @property
    def _is_leaving(self) -> bool:
        return self._leave_by > monotonic()

    def _wake(self, waiting: int) -> None:
        """Before a record is in; those who are woken wait for the lock until it is."""
        self._changed.notify_all()
        if self._worker is None:
            self._worker = self._started(self._run, "")
            if self._worker is not None:
                with guard("export.start"):
                    self._on_start()
        elif self._sending and self._encoder is None and waiting >= self.limits.batch:
            self._encoder = self._started(self._encode_ahead, ".encoder")

    def _started(self, work: Callable[[], None], suffix: str) -> Thread | None:
        """A thread at `work`; None while the interpreter shuts down, or where a child is to deliver."""
        if forks.has_heirs():
            return None
        thread = Thread(
            target=_delivering, args=(work,), name=f"django_observe.{self.route.signal}{suffix}", daemon=True
        )
        try:
            Context().run(thread.start)  # the request whose span came first is none of its business
        except RuntimeError:
            return None
        return thread

    def _run(self) -> None:
        with self._lock:  # one whose start was interrupted is not known, and has been replaced
            if self._worker is not current_thread():
                return
        try:
            self._deliver()
        finally:
            self._worker = None  # whatever ended it, the next record starts another

    def _deliver(self) -> None:
        with guard("export.prepare"):
            self.route.prepare()
        while not self._buffer.is_closed:
            self._wait_for_records()
            self._encode()
            if not self._backoff.seconds:
                self._send()
            self._tell()

    def _wait_for_records(self) -> None:
        """Waits for records (or until losses may be told), then at most the schedule's delay for more."""
        with self._lock:
            buffer = self._buffer
            if not buffer.queued and not buffer.is_closed:
                self._changed.wait(self._notice.due(buffer.ledger()))
            left_or_encoded = buffer.left + buffer.queued - buffer.waiting
            at_once = buffer.waiting and left_or_encoded < self._hurried
            if buffer.queued and buffer.waiting < self.limits.batch and not at_once:
                pause = self._backoff.seconds
                self._changed.wait(pause if buffer.left < self._hurried else max(pause, self.limits.delay))

    def _encode_ahead(self) -> None:
        """While the worker waits for an answer: encodes whenever a whole batch waits."""
        while not self._buffer.is_closed:
            with self._lock:
                self._changed.wait_for(
                    lambda: self._buffer.is_closed or self._buffer.waiting >= self.limits.batch
                )
            self._encode()

    def _encode(self) -> None:
        """Encodes what waits now, and what becomes whole batches meanwhile; one thread at a time."""
        with self._encoding:
            left = self._buffer.waiting
            while records := self._taken(left):
                left -= len(records)
                for batch in encoded(self.route.encode, records):
                    with self._lock:
                        self._buffer.put(batch)
                        self._changed.notify_all()

    def _taken(self, left: int) -> list[Any]:
        with self._lock:
            return self._buffer.take() if left > 0 or self._buffer.waiting >= self.limits.batch else []

    def _send(self) -> None:
        self._sending = True
        while (batch := self._buffer.first) is not None:
            outcome = self._attempt(batch.body)
            with self._lock:
                if self._buffer.is_closed:
                    break
                again = outcome.verdict == "retry" and batch.is_worth_another_try(monotonic())
                self._learn(outcome, again=again)
                if not again:
                    self._buffer.settle(outcome)
                self._changed.notify_all()
            if outcome.verdict == "retry":
                break
        self._sending = False

    def _attempt(self, body: bytes) -> Outcome:
        with guard("export.send"):
            if self._receiver is None:
                self._receiver = self.route.receiver()
            seconds = self._receiver.timeout
            if self._is_leaving:
                seconds = min(seconds, max(self._leave_by - monotonic(), 0.05))
            return self._receiver.post(body, seconds)
        return Outcome("refused", why="a fault in sending")

    def _learn(self, outcome: Outcome, *, again: bool) -> None:
        if again:
            self._backoff.failed(outcome.why, outcome.retry_after, hurried=self._is_leaving)
        elif outcome.verdict == "exported":
            self._backoff.succeeded()
        self._backoff.why = outcome.why

    def _tell(self, *, last: bool = False) -> None:
        self._notice.tell(self.ledger(), self._backoff.why, last=last)
        with guard("export.on_change"):
            self._on_change()


def _delivering(work: Callable[[], None]) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation  # imported by `export`

    is_delivering.set(True)
    with suppress_instrumentation():
        work()
