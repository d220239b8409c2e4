"""Telling stderr of losses and failures: seldom, never through logging, and never waiting for a reader."""

from __future__ import annotations

import os
import select
import socket
import stat
import sys
from contextlib import suppress
from time import monotonic
from typing import TextIO

from django_observe.ledger import Ledger
from django_observe.reporting import guard

NOTICE_SECONDS = 30.0
"""At most one line on stderr in this time, for each signal."""

_MAX_LINE = 512
"""Bytes: what POSIX promises to be written to a pipe as a whole (`_POSIX_PIPE_BUF`)."""


class Notice:
    """What of one signal has been told. A line that nobody takes is told later, with what came meanwhile."""

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
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(ledger.dropped.items()))
        lost = f"{ledger.lost} of {ledger.accepted} records lost ({reasons})" if ledger.lost else "none lost"
        failing = f"; export fails: {failure}" if failure else ""
        if said(f"django_observe: {self._signal}: {lost}, {ledger.queued} queued{failing}"):
            self._told_lost = ledger.lost

    def due(self, ledger: Ledger) -> float | None:
        """Seconds until what has been lost may be told; None if all of it has been."""
        return max(self._next - monotonic(), 0.0) if ledger.lost > self._told_lost else None


def said(line: str, stream: TextIO | None = None) -> bool:
    """Whether stderr, or `stream`, took the line (cut to 512 bytes), which it does at once or not at all.

    Never raises, whatever stderr was replaced by.
    """
    stream = stream or sys.stderr
    data = line.encode("utf-8", "replace")[: _MAX_LINE - 1] + b"\n"
    closed_or_full = suppress(OSError, ValueError, AttributeError)  # or nothing that takes text
    with guard("notice"), closed_or_full:
        fd = _descriptor(stream)
        if fd is not None:
            return _written(fd, data) == len(data)
        stream.write(data.decode("utf-8", "replace"))
        return True
    return False


def _descriptor(stream: TextIO) -> int | None:
    """Of a real file; None where stderr was replaced by something in memory, which cannot wait."""
    try:
        return stream.fileno()
    except (OSError, AttributeError):  # io.UnsupportedOperation is an OSError
        return None


def _written(fd: int, data: bytes) -> int:
    """Not by the stream: another thread may hold its lock and wait for a reader.

    Raises:
        OSError: when nobody can take it now.
    """
    mode = os.fstat(fd).st_mode
    if stat.S_ISSOCK(mode):
        with socket.socket(fileno=os.dup(fd)) as connection:
            return connection.send(data, socket.MSG_DONTWAIT)
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        with suppress(OSError):  # not on Linux, or another user's
            own = reopened(fd)
            try:
                return os.write(own, data)
            finally:
                os.close(own)
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        if not poll.poll(0):
            raise BlockingIOError
    return os.write(fd, data)


def reopened(fd: int) -> int:
    """The same FIFO or terminal once more, with O_NONBLOCK: on `fd` itself all who share it would have it.

    Raises:
        OSError: not on Linux, another user's, or a socket.
    """
    return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
