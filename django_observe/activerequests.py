"""Requests being served right now, in one gauge: up when one begins, down when its answer is complete."""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from django_observe import forks, metrics


class ActiveRequest:
    """Counted from its making to its `end`; one that nobody ended, until it is collected."""

    __slots__ = ("_process",)

    def __init__(self) -> None:
        self._process: object | None = None
        if _abandoned:
            settle()
        metrics.count_active(1)
        self._process = _process

    def end(self) -> None:
        """Counts it out; only the first call counts, and none in a child that was forked meanwhile."""
        counted_in, self._process = self._process, None
        if counted_in is _process:
            metrics.count_active(-1)

    def __del__(self) -> None:
        """A server that fails to send may never close the answer.

        The collector runs anywhere, also where the metrics are locked: so only a note is left here.
        """
        if self._process is not None:
            _abandoned.append(self._process)


def settle() -> None:
    """Counts out what was abandoned; before a request is counted in, and before the page is read."""
    with suppress(IndexError):  # another thread was faster
        while _abandoned:
            if _abandoned.pop() is _process:
                metrics.count_active(-1)


_process = object()
_abandoned: deque[object] = deque()


def _after_fork() -> None:
    """The parent's requests are not served here."""
    global _process
    _process = object()


forks.in_child(_after_fork)
