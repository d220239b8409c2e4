"""The one thread that writes: group commit, then retention. Who submits waits until the rows are on disk."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from django_observe.console import insertion, limits
from django_observe.console.intake import Intake
from django_observe.console.limits import Retention
from django_observe.console.retention import Keeper
from django_observe.console.rows import Decoded
from django_observe.console.store import Store
from django_observe.reporting import guard


class BusyError(Exception):
    """The rows were not committed: queue full, disk refusing, or console ending. Send them again."""


@dataclass
class _Submission:
    rows: Decoded = field(default_factory=Decoded)
    change: Callable[[sqlite3.Connection], object] | None = None
    done: threading.Event = field(default_factory=threading.Event)
    fault: str = ""

    def size(self) -> int:
        return len(self.rows.spans) + len(self.rows.logs)


class Writer:
    """Owns the store's writing connection."""

    def __init__(self, store: Store, intake: Intake, retention: Retention) -> None:
        self._connection = store.connection
        self._intake = intake
        self._keeper = Keeper(store, intake, retention)
        self._inserter = insertion.Inserter(self._connection, intake, self._keeper)
        self._queue: queue.Queue[_Submission | None] = queue.Queue(limits.QUEUED_BATCHES)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="console-writer", daemon=True)
        self._thread.start()

    def write(self, rows: Decoded) -> None:
        """Returns once `rows` are committed. Raises BusyError when they are not."""
        self._submit(_Submission(rows))

    def perform(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """Returns once what `change` does with the writing connection is committed. Raises BusyError."""
        self._submit(_Submission(change=change))

    def _submit(self, submission: _Submission) -> None:
        if self._closed:
            raise BusyError("the console is ending")
        try:
            self._queue.put_nowait(submission)
        except queue.Full:
            raise BusyError("the write queue is full") from None
        if not submission.done.wait(limits.COMMIT_SECONDS):
            raise BusyError("the disk is too slow")
        if submission.fault:
            raise BusyError(submission.fault)

    def close(self, timeout: float) -> None:
        """Commits what is queued and ends the thread."""
        self._closed = True
        self._queue.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        self._keeper.start()
        ending = False
        while not ending:
            group: list[_Submission] = []
            with contextlib.suppress(queue.Empty):
                group, ending = self._gather(self._queue.get(timeout=self._keeper.pause()))
            with guard("console.writer"):
                self._commit(group)
                self._keeper.sweep(idle=not group)

    def _gather(self, first: _Submission | None) -> tuple[list[_Submission], bool]:
        """What waits in the queue, up to 4,096 rows, so that one commit serves many requests."""
        group: list[_Submission] = []
        item = first
        while item is not None:
            group.append(item)
            if sum(one.size() for one in group) >= limits.GROUP_ROWS:
                return group, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[_Submission]) -> None:
        if not group:
            return
        try:
            self._transact(group)
        except (sqlite3.Error, OverflowError, ValueError) as fault:
            if len(group) > 1:  # one of them is at fault: let only that one fail
                for submission in group:
                    self._commit([submission])
                return
            group[0].fault = f"not written: {fault}"
        for submission in group:
            submission.done.set()

    def _transact(self, group: list[_Submission]) -> None:
        spans = [row for submission in group for row in submission.rows.spans]
        logs = [row for submission in group for row in submission.rows.logs]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            inserted = self._inserter.insert(spans, logs)
            changes = [submission.change for submission in group if submission.change]
            for change in changes:
                change(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._inserter.rolled_back()
            raise
        self._keeper.grown(*inserted)
        if changes:
            self._keeper.start()
