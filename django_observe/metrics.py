"""The metrics reporter: every record becomes Prometheus metrics.

Nothing is imported from prometheus_client, and nothing registered, before the first record is told: importing
it decides for good whether values are shared between processes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, partial
from time import time
from typing import TYPE_CHECKING, Any

from django.core.signals import setting_changed

from django_observe import counting, forks, reporting, sharedvalues
from django_observe.reporting import guard, hears_alone
from django_observe.superseded import superseded
from django_observe.vocabulary import LabelValue

if TYPE_CHECKING:
    from django_observe.collectors import BoundFamily, Timer
    from django_observe.databasemetrics import DatabaseMetrics
    from django_observe.mirrors import Mirrors
    from django_observe.records import Call, Record
    from django_observe.storemetrics import StoreMetrics
    from django_observe.taskmetrics import TaskMetrics

Observe = Callable[[Any], None]

MAX_SHORTCUTS = 5_000
"""Databases, caches, models and tasks by what happens to them; what comes later is told by its record."""

_observers: dict[type, Observe] = {}
_lock = threading.RLock()
_mirrors: Mirrors | None = None
_active: Observe | None = None


def install() -> None:
    """Prepares for the first record; registers nothing. May be called again."""
    sharedvalues.on_switch(reset)
    setting_changed.connect(_on_setting_changed, dispatch_uid="django_observe.metrics", weak=False)


def report(record: Record) -> None:
    """Counts and times one record."""
    kind = type(record)
    observe = _observers.get(kind) or _observer(kind)
    with counting.lock:
        observe(record)


def count_active(change: int) -> None:
    """Counts a request that begins (1) or ends (-1) into the gauge of those being served."""
    with counting.lock:
        (_active or _bound_active())(change)


def shorten(kind: type[Record], *labels: str) -> None:
    """Has what is usual of that kind counted by a shortcut from now on, where nobody else hears of it."""
    shortcuts, key = reporting.shortcuts, (kind.__name__, *labels)
    if key not in shortcuts and len(shortcuts) < MAX_SHORTCUTS and hears_alone(report, kind):
        found: Callable[..., object] | None = _ignore if _observers.get(kind) is _ignore else None
        with guard("metrics"), counting.lock:
            found = _shortcut(kind.__name__, labels)
        if found is not None:
            shortcuts[key] = found


def reset() -> None:
    """Binds everything anew at the next record; what was counted stays counted."""
    global _mirrors, _active
    with _lock:
        _database.cache_clear()
        _stores.cache_clear()
        _steps.cache_clear()
        _observers.clear()
        _mirrors = _active = None
    reporting.forget_shortcuts()


def mirror() -> None:
    """Brings up to date what has no records: before the page is read, and when a breaker changes."""
    with guard("metrics"):
        mirrors = _bound_mirrors()
        with counting.lock:
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
    from django_observe import records

    if kind is records.Exchange:
        from django_observe.requestmetrics import RequestMetrics

        return _ticking(RequestMetrics(superseded()).observe)
    if kind is records.Query or kind is records.NewConnection:
        counted = _database()
        return counted.query if kind is records.Query else counted.connected
    if kind is records.CacheGet or kind is records.ModelChange:
        stores = _stores()
        return stores.looked_up if kind is records.CacheGet else stores.changed
    if kind is records.TaskRun or issubclass(kind, records.TaskEvent):
        return _tasks(is_run=kind is records.TaskRun)
    if kind is records.Call:
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


@lru_cache(maxsize=1)
def _database() -> DatabaseMetrics:
    from django_observe.databasemetrics import DatabaseMetrics

    return DatabaseMetrics()


@lru_cache(maxsize=1)
def _stores() -> StoreMetrics:
    from django_observe.storemetrics import StoreMetrics

    return StoreMetrics()


def _shortcut(kind: str, labels: tuple[str, ...]) -> Callable[..., object] | None:
    if kind == "Query":
        return _database().counter(*labels) or _ignore
    if kind == "TaskEvent":
        return _steps().counter(*labels)
    stores = _stores()
    return stores.lookup_counter(*labels) if kind == "CacheGet" else stores.change_counter(*labels)


@lru_cache(maxsize=1)
def _steps() -> TaskMetrics:
    from django_observe.taskmetrics import TaskMetrics

    return TaskMetrics()


def _tasks(*, is_run: bool) -> Observe:
    from django_observe.taskmetrics import RunMetrics

    return _ticking(RunMetrics().run) if is_run else _steps().event


def _call(durations: BoundFamily[Timer], call: Call) -> None:
    status = str(call.status) if call.status is not None else LabelValue.NO_ANSWER
    durations.bound(call.host, call.method, status).time(call.seconds, call.trace, time())


def _ignore(*_: object) -> None:
    """Takes the place of an observer for records that no metric counts."""


def _ticking(observe: Callable[[Any], float]) -> Observe:
    """`observe`, and now and then a look at what has no records."""
    tick = _bound_mirrors().tick

    def observed(record: Any) -> None:
        tick(observe(record))

    return observed


def _bound_mirrors() -> Mirrors:
    global _mirrors
    with _lock:  # two would each count the whole ledger
        if _mirrors is None:
            from django_observe import export
            from django_observe.mirrors import Mirrors

            _mirrors = Mirrors()
            export.on_change(mirror)
        return _mirrors


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting in {"MIDDLEWARE", "DATABASES"}:
        reset()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.RLock()


forks.in_child(_after_fork_in_child)
