"""Everything that leaves by OTLP: one pipeline per signal, one deadline for all of them at flush and exit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import Any

from django_observe import backlog, conf, exits
from django_observe.delivery import Pipeline
from django_observe.ledger import Ledger
from django_observe.route import Route, limits

DEFAULT_EXIT_SECONDS = 3.0

_pipelines: dict[str, Pipeline] = {}
_listeners: list[Callable[[], None]] = []
_flushed = (-inf, 0.0)
"""When the last `flush_before_exit` ended (monotonic), and the seconds it took."""


def pipeline(signal: str) -> Pipeline:
    """The pipeline of `signal` (traces or logs); no thread and no connection before its first record."""
    found = _pipelines.get(signal)
    if found is None:
        from django_observe.otlphttp import Receiver  # here, as a fork may interrupt an import on the worker

        exits.prepare(shutdown, flush_before_exit)
        found = _pipelines[signal] = Pipeline(
            Route(signal, _encoder(signal), lambda: Receiver(signal)),
            limits(signal),
            on_start=exits.hook,
            on_change=_tell_listeners,
        )
    return found


def flush(timeout: float) -> bool:
    """Sends what is queued now; True only if all of it was exported within `timeout` seconds."""
    return _flush(monotonic() + timeout, leaving=False)


def flush_before_exit() -> bool:
    """Sends what is queued as `shutdown` does, but delivery goes on: a server ended, its process need not.

    Where the process does end within FLUSH_TIMEOUT from now, what this took is taken off its deadline.
    """
    global _flushed
    started = monotonic()
    outcome = _flush(started + _exit_seconds(), leaving=True)
    _flushed = (monotonic(), monotonic() - started)
    return outcome


def shutdown(timeout: float | None = None) -> bool:
    """Sends what is queued and ends delivery in this process; what is left after `timeout` s is dropped.

    All signals share the one deadline (default: the setting FLUSH_TIMEOUT). True if nothing was dropped.
    """
    if timeout is None:
        timeout = _exit_seconds()
        flushed_at, took = _flushed
        if monotonic() - flushed_at < timeout:
            timeout = max(timeout - took, 0.0)
    deadline = monotonic() + timeout
    closing = list(_pipelines.values())
    for each in closing:
        each.hurry(leave_by=deadline)
    outcomes = [backlog.closed(deadline), *(each.closed(deadline) for each in closing)]
    return all(outcomes)


def snapshot() -> dict[str, Ledger]:
    """The books of each signal in this process; a forked child starts new ones."""
    return backlog.snapshot() | {signal: each.ledger() for signal, each in list(_pipelines.items())}


def on_change(callback: Callable[[], None]) -> None:
    """Has `callback` called on a worker thread after each batch, and once per schedule delay while busy."""
    if callback not in _listeners:
        _listeners.append(callback)


def _exit_seconds() -> float:
    return conf.settings().flush_timeout if conf.configured() else DEFAULT_EXIT_SECONDS


def _flush(deadline: float, *, leaving: bool) -> bool:
    marks = [(each, each.hurry(leave_by=deadline if leaving else None)) for each in _pipelines.values()]
    outcomes = [each.flushed(mark, deadline) for each, mark in marks]
    return all(outcomes)


def _encoder(signal: str) -> Callable[[Sequence[Any]], bytes]:
    if signal == "logs":
        from django_observe import logencoding

        return logencoding.encode
    from django_observe import otlpspans

    return otlpspans.encode


def _tell_listeners() -> None:
    for listener in _listeners:
        listener()


def _after_fork() -> None:
    global _flushed
    _flushed = (-inf, 0.0)
    for each in _pipelines.values():
        each.renew()


os.register_at_fork(after_in_child=_after_fork)
