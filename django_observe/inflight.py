"""The requests in flight in this process, so that those which die with it are told all the same."""

from __future__ import annotations

import sys
from types import FrameType, TracebackType
from typing import Protocol, TypeAlias
from weakref import ref

from django_observe import forks, interruption
from django_observe.reporting import guard
from django_observe.tally import Tally


class WorkerAborted(BaseException):
    """The server gave up the process that served the request; its traceback says where the thread stood."""


class InFlight(Protocol):
    """A request that has not been told yet."""

    thread: int
    """The thread that began it (`threading.get_ident`)."""
    tally: Tally
    """Current where it runs."""

    def give_up(self, error: BaseException) -> None:
        """Tells of it what is known, from any thread."""


Entry: TypeAlias = "ref[InFlight]"

_entries: set[Entry] = set()


def entered(request: InFlight) -> Entry:
    """Remembers `request` until `left` is given the entry, or nobody holds it any more."""
    entry = ref(request, _entries.discard)
    _entries.add(entry)
    return entry


def left(entry: Entry) -> bool:
    """Forgets a request; True for the first caller of all threads, False also in a child forked meanwhile."""
    try:
        _entries.remove(entry)
    except KeyError:
        return False
    return True


def any_left() -> bool:
    """Whether a request is still being served."""
    return bool(_entries)


def give_up_all(reason: str, interrupted: Tally | None = None) -> None:
    """Tells every request as aborted, with where its thread stands.

    Of those that share a thread, as an event loop's do, the one that was `interrupted` stands there; it is
    told first.
    """
    frames = sys._current_frames()  # noqa: SLF001 - documented
    requests = [request for entry in _entries.copy() if (request := entry()) is not None]
    for request in [each for each in requests if each.tally is interrupted]:
        _give_up(request, reason, frames.pop(request.thread, None))
        requests.remove(request)
    for request in requests:
        _give_up(request, reason, frames.get(request.thread))


def _give_up(request: InFlight, reason: str, frame: FrameType | None) -> None:
    with guard("inflight"):
        request.give_up(WorkerAborted(reason).with_traceback(_traceback(frame)))


def _traceback(frame: FrameType | None) -> TracebackType | None:
    """The stack below `frame` as an exception has it; without the signal handler that looks at it."""
    trace = None
    inner = frame and interruption.interrupted(frame)
    while inner is not None:
        trace = TracebackType(trace, inner, inner.f_lasti, inner.f_lineno or 0)
        inner = inner.f_back
    return trace


forks.in_child(_entries.clear)
