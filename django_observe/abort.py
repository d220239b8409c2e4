"""The last words of a gunicorn worker that --timeout ends: SIGABRT, and SIGKILL a second later."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from contextvars import Context
from functools import partial
from threading import Lock, Thread
from time import monotonic
from types import FrameType
from typing import Any

from django_observe import tally
from django_observe.reporting import guard
from django_observe.tally import Tally

SECONDS = 0.8
"""For all of it."""

_telling = Lock()
_wakeup: int | None = None


def prepare(worker: Any) -> None:
    """Sees to it that `tell` comes to pass, whatever class the worker has and what its main thread does."""
    if not worker.cfg.timeout:  # gunicorn ends none
        return
    given = signal.getsignal(signal.SIGABRT)
    if getattr(given, "__self__", None) is not worker:  # an event loop's only wakes it, and it does not turn
        signal.signal(signal.SIGABRT, partial(_on_abort, worker, given))
    elif not {"gevent", "eventlet"} & sys.modules.keys():  # their threads are no threads
        _watch()


def tell_beside() -> None:
    """As `tell`, in a thread of its own: the code that a signal has interrupted may hold any lock.

    Where `_watch` has told before, it only delivers what came since.
    """
    teller = _thread(partial(tell, tally.current()))
    teller.join(SECONDS)


def tell(interrupted: Tally | None = None) -> None:
    """Tells the requests in flight and the open WebSockets as aborted, and delivers.

    `interrupted` belongs to the one that was running, of those that share a thread.
    """
    deadline = monotonic() + SECONDS
    with _telling:
        inflight = sys.modules.get("django_observe.inflight")
        websockets = sys.modules.get("django_observe.openwebsockets")
        export = sys.modules.get("django_observe.export")
        with guard("gunicorn"):
            if inflight is not None:
                inflight.give_up_all("gunicorn's --timeout ended the worker", interrupted)
        with guard("gunicorn"):
            if websockets is not None:
                websockets.end_all()
        with guard("gunicorn"):
            if export is not None:
                export.flush(max(deadline - monotonic(), 0.05))
        mirror()


def mirror() -> None:
    """Brings the shared books up to date: what is queued in them counts as lost once the process is gone."""
    metrics = sys.modules.get("django_observe.metrics")
    if metrics is not None:
        metrics.mirror()


def _on_abort(worker: Any, given: Any, number: int, frame: FrameType | None) -> None:
    """Has the hook called and then the handler whose place it took, and dies of the signal all the same."""
    signal.signal(signal.SIGABRT, signal.SIG_DFL)
    try:
        worker.cfg.worker_abort(worker)
        if callable(given):
            given(number, frame)
    finally:
        os.kill(os.getpid(), signal.SIGABRT)


def _watch() -> None:
    """Has a thread wait for SIGABRT: the main thread may be in a call, maybe a driver's, that no signal ends.

    Python's handler would have to wait for it; the byte that tells of a signal (`set_wakeup_fd`) does not.
    """
    global _wakeup
    read, _wakeup = os.pipe()
    os.set_blocking(_wakeup, False)
    before = signal.set_wakeup_fd(_wakeup, warn_on_full_buffer=False)
    _thread(partial(_wait, read, before))


def _wait(read: int, before: int) -> None:
    while numbers := os.read(read, 64):
        with suppress(OSError):  # gunicorn's own: there is none, or it is full
            os.write(before, numbers)
        if signal.SIGABRT in numbers:
            tell()


def _thread(work: Any) -> Thread:
    thread = Thread(target=work, name="django_observe.abort", daemon=True)
    Context().run(thread.start)
    return thread


def _after_fork() -> None:
    """What ends a child of a worker is nothing to the worker."""
    global _telling, _wakeup
    _telling = Lock()
    if _wakeup is not None:
        _wakeup = None
        with guard("gunicorn"):
            signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_after_fork)
