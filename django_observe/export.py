"""Everything that leaves by OTLP: one pipeline per signal, one deadline for all of them at flush and exit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import inf
from time import monotonic

from django_observe import backlog, conf, exits, forks
from django_observe.delivery import Pipeline
from django_observe.ledger import Ledger
from django_observe.reporting import guard
from django_observe.route import Route, limits

DEFAULT_EXIT_SECONDS = 2.0
RESTART_SECONDS = 1.0
"""The most that the end of a process takes which is started anew at each change of a file."""
UWSGI_SECONDS = 0.6
"""Less there: its master looks once a second whether a worker has ended, and Python takes a while to."""
_pipelines: dict[str, Pipeline] = {}
_listeners: list[Callable[[], None]] = []
_flushed = (-inf, 0.0)
"""When the last `flush_before_exit` ended (monotonic), and the seconds that were left to it."""


def pipeline(signal: str) -> Pipeline:
    """The pipeline of `signal` (traces or logs); no thread and no connection before its first record."""
    found = _pipelines.get(signal)
    if found is None:
        exits.prepare(shutdown, flush_before_exit)
        found = _pipelines[signal] = Pipeline(
            _route(signal),
            limits(signal),
            on_start=exits.hook,
            on_change=_tell_listeners,
        )
    return found


def flush(timeout: float) -> bool:
    """Sends what is queued now; True only if all of it was exported within `timeout` seconds."""
    return _flush(monotonic() + timeout, leaving=False)


def hasten() -> None:
    """Has what is queued sent without waiting for more: the end of the process has begun."""
    for each in list(_pipelines.values()):
        each.hurry()


def flush_before_exit(timeout: float | None = None) -> bool:
    """Sends what is queued as `shutdown` does, but delivery goes on: a server ended, its process need not.

    Where the process does end within FLUSH_TIMEOUT, `shutdown` has what is left of these `timeout` seconds.
    """
    global _flushed
    deadline = monotonic() + (exit_seconds() if timeout is None else timeout)
    outcome = _flush(deadline, leaving=True)
    ended = monotonic()
    _flushed = (ended, deadline - ended)
    return outcome


def shutdown(timeout: float | None = None) -> bool:
    """Sends what is queued and ends delivery in this process; what is left after `timeout` s is dropped.

    All signals share the one deadline (default: the setting FLUSH_TIMEOUT). True if nothing was dropped.
    """
    if timeout is None:
        timeout = exit_seconds()
        flushed_at, left = _flushed
        if monotonic() - flushed_at < timeout:
            timeout = max(left, 0.0)
    deadline = monotonic() + timeout
    closing = list(_pipelines.values())
    for each in closing:
        each.hurry(leave_by=deadline)
    outcomes = [backlog.closed(deadline), *(each.closed(deadline) for each in closing)]
    if not closing:
        with guard("export.on_change"):
            _tell_listeners()  # of what the backlog has dropped
    return all(outcomes)


def snapshot() -> dict[str, Ledger]:
    """The books of each signal in this process; a forked child starts new ones."""
    return backlog.snapshot() | {signal: each.ledger() for signal, each in list(_pipelines.items())}


def on_change(callback: Callable[[], None]) -> None:
    """Has `callback` called on a worker thread after each batch, and once per schedule delay while busy."""
    if callback not in _listeners:
        _listeners.append(callback)


def exit_seconds() -> float:
    """Seconds that the exit of this process may wait for delivery."""
    seconds = conf.settings().flush_timeout if conf.configured() else DEFAULT_EXIT_SECONDS
    if "uwsgi" in sys.modules:
        seconds = max(seconds - UWSGI_SECONDS, seconds / 2)
    return min(seconds, RESTART_SECONDS) if conf.restarts_at_changes() else seconds


def _flush(deadline: float, *, leaving: bool) -> bool:
    leave_by = deadline if leaving else None
    marks = [(each, each.hurry(leave_by)) for each in list(_pipelines.values())]
    outcomes = [each.flushed(mark, deadline) for each, mark in marks]
    return all(outcomes)


def _route(signal: str) -> Route:
    # here, as a fork may interrupt an import on the worker; who counts asks this module for its books alone
    import opentelemetry.instrumentation.utils  # noqa: F401

    from django_observe import otlphttp
    from django_observe.otlphttp import Receiver

    otlphttp.prepare(signal)
    if signal == "logs":
        from django_observe import logencoding

        return Route(signal, logencoding.encode, lambda: Receiver(signal), logencoding.prepare)
    from django_observe import otlpspans

    return Route(signal, otlpspans.encode, lambda: Receiver(signal))


def _tell_listeners() -> None:
    for listener in _listeners:
        listener()


def _after_fork() -> None:
    global _flushed
    _flushed = (-inf, 0.0)
    for each in _pipelines.values():
        each.renew()


forks.in_child(_after_fork)
