"""Everything that leaves by OTLP: one pipeline per signal, one deadline for all of them at flush and exit."""

from __future__ import annotations

import atexit
import os
import signal as signals
import sys
from collections.abc import Callable, Sequence
from threading import Thread, current_thread, main_thread
from time import monotonic
from types import FrameType
from typing import Any

from django_observe import conf
from django_observe.delivery import Pipeline
from django_observe.ledger import Ledger
from django_observe.limits import limits
from django_observe.reporting import guard
from django_observe.route import Route

DEFAULT_EXIT_SECONDS = 3.0

_pipelines: dict[str, Pipeline] = {}
_listeners: list[Callable[[], None]] = []
_exit_hooked = False


def pipeline(signal: str) -> Pipeline:
    """The pipeline of `signal` (traces or logs); no thread and no connection before its first record."""
    found = _pipelines.get(signal)
    if found is None:
        from django_observe.otlphttp import Receiver  # here, as a fork may interrupt an import on the worker

        found = _pipelines[signal] = Pipeline(
            Route(signal, _encoder(signal), lambda: Receiver(signal)),
            limits(signal),
            on_start=_hook_exit,
            on_change=_tell_listeners,
        )
    return found


def flush(timeout: float) -> bool:
    """Sends what is queued now; True only if all of it was exported within `timeout` seconds."""
    deadline = monotonic() + timeout
    marks = [(each, each.hurry()) for each in _pipelines.values()]
    outcomes = [each.flushed(mark, deadline) for each, mark in marks]
    return all(outcomes)


def shutdown(timeout: float | None = None) -> bool:
    """Sends what is queued and ends delivery in this process; what is left after `timeout` s is dropped.

    All signals share the one deadline (default: the setting FLUSH_TIMEOUT). True if nothing was dropped.
    """
    if timeout is None:
        timeout = conf.settings().flush_timeout if conf.configured() else DEFAULT_EXIT_SECONDS
    deadline = monotonic() + timeout
    closing = list(_pipelines.values())
    for each in closing:
        each.close(deadline)
    outcomes = [each.closed(deadline) for each in closing]
    return all(outcomes)


def snapshot() -> dict[str, Ledger]:
    """The books of each signal in this process; a forked child starts new ones."""
    return {signal: each.ledger() for signal, each in list(_pipelines.items())}


def on_change(callback: Callable[[], None]) -> None:
    """Has `callback` called on a worker thread after each batch, and once per schedule delay while busy."""
    if callback not in _listeners:
        _listeners.append(callback)


def _encoder(signal: str) -> Callable[[Sequence[Any]], bytes]:
    if signal == "logs":
        from django_observe import logencoding

        return logencoding.encode
    from django_observe import otlpspans

    return otlpspans.encode


def _tell_listeners() -> None:
    for listener in _listeners:
        listener()


def _hook_exit() -> None:
    """With the first record: flush at exit, in multiprocessing's children too, and on SIGTERM."""
    global _exit_hooked
    if not _exit_hooked:
        _exit_hooked = True
        atexit.register(_at_exit)
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _at_exit, exitpriority=100)
    if current_thread() is main_thread() and signals.getsignal(signals.SIGTERM) is signals.SIG_DFL:
        signals.signal(signals.SIGTERM, _on_sigterm)


def _at_exit() -> None:
    with guard("export.exit"):
        shutdown()


def _on_sigterm(_number: int, _frame: FrameType | None) -> None:
    """Flushes beside the interrupted code, which may hold any lock, then dies of the signal all the same."""
    signals.signal(signals.SIGTERM, signals.SIG_DFL)

    def flush_and_die() -> None:
        _at_exit()
        os.kill(os.getpid(), signals.SIGTERM)

    Thread(target=flush_and_die, name="django_observe.exit", daemon=True).start()


def _after_fork() -> None:
    for each in _pipelines.values():
        each.renew()


os.register_at_fork(after_in_child=_after_fork)
