"""The metrics reporter: every record becomes Prometheus metrics.

Nothing is imported from prometheus_client, and nothing registered, before the first record is told: importing
it decides for good whether values are shared between processes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import time
from typing import TYPE_CHECKING, Any

from django.core.signals import setting_changed

from django_observe import multiprocess
from django_observe.records import (
    CacheGet,
    Call,
    Exchange,
    ModelChange,
    NewConnection,
    Query,
    Record,
    TaskEvent,
    TaskRun,
)
from django_observe.reporting import guard
from django_observe.superseded import superseded
from django_observe.vocabulary import LabelValue

if TYPE_CHECKING:
    from django_observe.collectors import TimerFamily
    from django_observe.mirrors import Mirrors

Observe = Callable[[Any], None]

_observers: dict[type, Observe] = {}
_lock = threading.Lock()
_counting = threading.RLock()
"""Held while values grow, and at a fork: prometheus_client's one lock of shared values would else stay locked
in a child that is forked while another thread counts."""
_FORK_SECONDS = 1.0
_mirrors: Mirrors | None = None
_active: Observe | None = None


def install() -> None:
    """Prepares for the first record; registers nothing. May be called again."""
    multiprocess.on_switch(reset)
    setting_changed.connect(_on_setting_changed, dispatch_uid="django_observe.metrics", weak=False)


def report(record: Record) -> None:
    """Counts and times one record."""
    kind = type(record)
    observe = _observers.get(kind) or _observer(kind)
    with _counting:
        observe(record)


def count_active(change: int) -> None:
    """Counts a request that begins (1) or ends (-1) into the gauge of those being served."""
    with _counting:
        (_active or _bound_active())(change)


def reset() -> None:
    """Binds everything anew at the next record; what was counted stays counted."""
    global _mirrors, _active
    with _lock:
        _observers.clear()
        _mirrors = _active = None


def mirror() -> None:
    """Brings up to date what has no records: before the page is read, and when a breaker changes."""
    with guard("metrics"):
        mirrors = _bound_mirrors()
        with _counting:
            mirrors.mirror()


def _observer(kind: type) -> Observe:
    with _lock:
        found = _observers.get(kind)
        if found is None:
            found = _ignore
            with guard("metrics"):
                found = _bound(kind)
            _observers[kind] = found
        return found


def _bound(kind: type) -> Observe:
    if kind is Exchange:
        from django_observe.requestmetrics import RequestMetrics

        return _ticking(RequestMetrics(superseded()).observe)
    if kind is Query or kind is NewConnection:
        return _database(kind)
    if kind is CacheGet or kind is ModelChange:
        from django_observe.storemetrics import StoreMetrics

        stores = StoreMetrics()
        return stores.looked_up if kind is CacheGet else stores.changed
    if kind is TaskRun or kind is TaskEvent:
        return _tasks(kind)
    if kind is Call:
        from django_observe.collectors import timer_family
        from django_observe.metricset import CLIENT_DURATION

        return partial(_call, timer_family(CLIENT_DURATION))
    return _ignore


def _bound_active() -> Observe:
    global _active
    _active = _ignore
    with guard("metrics"):
        from django_observe.collectors import adder, family
        from django_observe.metricset import HTTP_ACTIVE_REQUESTS

        _active = adder(family(HTTP_ACTIVE_REQUESTS).child())
    return _active


def _database(kind: type) -> Observe:
    from django_observe.databasemetrics import DatabaseMetrics

    counted = DatabaseMetrics()
    return counted.query if kind is Query else counted.connected


def _tasks(kind: type) -> Observe:
    from django_observe.taskmetrics import RunMetrics, TaskMetrics

    return _ticking(RunMetrics().run) if kind is TaskRun else TaskMetrics().event


def _call(durations: TimerFamily, call: Call) -> None:
    status = str(call.status) if call.status is not None else LabelValue.NO_ANSWER
    durations.timer(call.host, call.method, status).time(call.seconds, call.trace, time())


def _ignore(_: object) -> None:
    """Takes the place of an observer for records that no metric counts."""


def _ticking(observe: Callable[[Any], float]) -> Observe:
    """`observe`, and now and then a look at what has no records."""
    tick = _bound_mirrors().tick

    def observed(record: Any) -> None:
        tick(observe(record))

    return observed


def _bound_mirrors() -> Mirrors:
    global _mirrors
    if _mirrors is None:
        from django_observe import export
        from django_observe.mirrors import Mirrors

        _mirrors = Mirrors()
        export.on_change(mirror)
    return _mirrors


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting in {"MIDDLEWARE", "DATABASES"}:
        reset()


def _before_fork() -> None:
    _counting.acquire(timeout=_FORK_SECONDS)


def _after_fork_in_parent() -> None:
    with suppress(RuntimeError):  # it was not to be had
        _counting.release()


def _after_fork_in_child() -> None:
    global _lock, _counting
    _lock, _counting = threading.Lock(), threading.RLock()


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
)
