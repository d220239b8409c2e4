"""Lines for a stdout that nobody reads: they wait here, within bounds, and not in the threads that log.

A line is written by the thread that logs it whenever that needs no waiting. Only what is left over, and what
comes after it, goes to a thread, which is started then. Files and terminals are not concerned.
"""

from __future__ import annotations

import atexit
import os
import select
import stat
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from io import TextIOWrapper
from threading import Condition, Thread
from time import monotonic
from typing import TextIO
from weakref import WeakKeyDictionary

from django_observe import forks
from django_observe.ledger import Account, DropReason, Ledger
from django_observe.notice import Notice, reopened
from django_observe.reporting import guard

SIGNAL = "stdout"
MAX_LINES = 10_000
MAX_BYTES = 4 * 1024 * 1024
EXIT_SECONDS = 1.0
"""How long the end of a process waits for a reader, at most."""


@dataclass(frozen=True)
class Pipe:
    """The descriptor of a FIFO or a socket. One that is ours is closed when nobody writes to it any more."""

    fd: int
    waits: bool
    """Whether a write may wait in spite of `is_ready`: it is not ours alone, somebody may be faster."""
    identity: tuple[int, int] = (0, 0)
    """Device and inode."""

    def __del__(self) -> None:
        if not self.waits:
            with suppress(OSError):  # a program that makes a daemon of itself has closed all there were
                os.close(self.fd)

    def is_ready(self, seconds: float | None) -> bool:
        """Whether `select.PIPE_BUF` bytes can be written, or fail, within `seconds` (None: whenever)."""
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        return bool(poll.poll(None if seconds is None else seconds * 1_000))

    def write(self, data: bytes | memoryview) -> int:
        """How many bytes went out; without `waits` 0 if none can, and all or none of PIPE_BUF bytes."""
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0


_pipes: WeakKeyDictionary[TextIOWrapper, Pipe] = WeakKeyDictionary()
"""Of the streams that are written to: who reads the other end of one that is closed waits for its end."""


def pipe_of(stream: TextIO) -> Pipe | None:
    """The pipe or socket behind a text stream; None for everything else, which is written to directly."""
    if not isinstance(stream, TextIOWrapper) or not hasattr(select, "poll"):  # eventlet takes it away
        return None
    try:
        fd = stream.fileno()
        status = os.fstat(fd)
    except (OSError, ValueError):
        _pipes.pop(stream, None)
        return None
    if not (stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode)):
        return None
    identity = (status.st_dev, status.st_ino)
    pipe = _pipes.get(stream)
    if pipe is None or pipe.identity != identity:  # a descriptor may be redirected beneath its stream
        pipe = _pipes[stream] = _opened(fd, identity)
    return pipe


def _opened(fd: int, identity: tuple[int, int]) -> Pipe:
    for each in list(_pipes):
        if each.closed:
            _pipes.pop(each, None)
    try:
        return Pipe(reopened(fd), waits=False, identity=identity)
    except OSError:
        return Pipe(fd, waits=True, identity=identity)


class _Line:
    """A line that waits, and what of it has not been written yet."""

    __slots__ = ("pipe", "rest", "size")

    def __init__(self, pipe: Pipe, line: bytes) -> None:
        self.pipe = pipe
        self.rest = memoryview(line)
        self.size = len(line)


class Backlog:
    """A bounded queue of lines in front of a pipe. When it is full, the newest is dropped and counted."""

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self.renew()

    def renew(self) -> None:
        """Forgets everything: in a forked child the lines are the parent's."""
        self._changed = Condition()  # of a reentrant lock: a destructor that logs may run while it is held
        self._lines: deque[_Line] = deque()
        self._bytes = 0
        self._begun: _Line | None = None
        self._account = Account()
        self._notice = Notice(SIGNAL)
        self._worker: Thread | None = None

    def write(self, pipe: Pipe, line: bytes, flush: Callable[[], None]) -> None:
        """Writes `line`, at once or later; `flush` writes what the project has printed before it."""
        if not self._lines and pipe.is_ready(0):
            flush()
            if not pipe.waits and len(line) <= select.PIPE_BUF and pipe.write(line):
                return
        self._put(_Line(pipe, line))

    def ledger(self) -> Ledger:
        """The books of the lines that could not be written in one go."""
        with self._changed:
            return self._account.ledger(len(self._lines))

    def closed(self, deadline: float) -> bool:
        """Waits until `deadline` (monotonic seconds) for a reader, drops what is left: was nothing left?"""
        while self._lines and self._worker is None and monotonic() < deadline:  # no thread was to be had
            self._deliver(self._lines[0], deadline - monotonic())
        with self._changed:
            self._changed.wait_for(lambda: not self._lines, max(deadline - monotonic(), 0))
            left = len(self._lines)
            self._account.lose(left, DropReason.SHUTDOWN)
            self._lines.clear()
            self._bytes = 0
        return not left

    def _put(self, line: _Line) -> None:
        with self._changed:
            if len(self._lines) >= self._max_lines or self._bytes + line.size > self._max_bytes:
                self._account.turn_away(DropReason.QUEUE_FULL)
                return
            self._lines.append(line)
            self._bytes += line.size
            if self._begun is not None:
                return
            if len(self._lines) > 1 or (line.pipe.waits and line.size > select.PIPE_BUF):
                self._wake()
                return
            self._begun = line
        self._begin(line)

    def _begin(self, line: _Line) -> None:
        """Writes what goes without waiting, in the caller's thread; other lines queue behind it."""
        try:
            self._deliver(line, 0)
        finally:
            with self._changed:
                self._begun = None
                if self._lines:
                    self._wake()

    def _wake(self) -> None:
        self._changed.notify_all()
        if self._worker is None:
            worker = Thread(target=self._run, name=f"django_observe.{SIGNAL}", daemon=True)
            with guard("backlog"):  # no thread is to be had: the next line tries again
                Context().run(worker.start)  # its first line's request is none of its business
                self._worker = worker

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines and self._begun is None)
                line = self._lines[0]
            self._deliver(line, None)
            del line  # and its pipe, which nobody may write to again
            self._tell()

    def _deliver(self, line: _Line, seconds: float | None) -> None:
        """Writes what goes within `seconds` (None: all of it), with no lock held, and books the outcome."""
        failed = True
        with guard("backlog"):
            while line.rest and line.pipe.is_ready(seconds) and self._is_first(line):
                line.rest = line.rest[line.pipe.write(line.rest) :]
            failed = False
        with self._changed:
            if self._is_first(line) and (failed or not line.rest):
                if failed:
                    self._account.lose(1, DropReason.UNDELIVERED)
                else:
                    self._account.export(1)
                self._lines.popleft()
                self._bytes -= line.size
                self._changed.notify_all()

    def _tell(self) -> None:
        """Tells stderr of losses, unless nobody reads that either."""
        with guard("backlog"):
            if Pipe(sys.stderr.fileno(), waits=True).is_ready(0):
                self._notice.tell(self.ledger(), "")

    def _is_first(self, line: _Line) -> bool:
        """Whether it is still wanted: `closed` gives up."""
        lines = self._lines
        return bool(lines) and lines[0] is line


stdout = Backlog()


def snapshot() -> dict[str, Ledger]:
    """The books of stdout in this process, once a line could not be written in one go."""
    ledger = stdout.ledger()
    return {SIGNAL: ledger} if ledger.accepted else {}


def closed(deadline: float) -> bool:
    """`Backlog.closed` for stdout, within `EXIT_SECONDS`."""
    return stdout.closed(min(deadline, monotonic() + EXIT_SECONDS))


def _at_exit() -> None:
    with guard("backlog"):
        closed(monotonic() + EXIT_SECONDS)


atexit.register(_at_exit)
forks.in_child(stdout.renew)
