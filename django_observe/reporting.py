"""Telling the reporters, and the one guard between telemetry and the service."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import TypeAlias

from django_observe.records import Record

Reporter: TypeAlias = Callable[[Record], None]

_reporters: tuple[Reporter, ...] = ()
_failures: Counter[str] = Counter()
_failures_lock = threading.RLock()  # reentrant: a destructor may fail, guarded, while it is held


def set_reporters(reporters: tuple[Reporter, ...]) -> None:
    """Decides who is told; a reporter that is off is absent."""
    global _reporters
    _reporters = reporters


def reporters() -> tuple[Reporter, ...]:
    """Who is told, in order."""
    return _reporters


def report(record: Record) -> None:
    """Tells every reporter about `record`. Never raises: a reporter's fault is counted, the next is told."""
    for reporter in _reporters:
        with guard(reporter.__module__):
            reporter(record)


class guard:  # noqa: N801 - used as a statement, like contextlib.suppress
    """Keeps a fault of telemetry from becoming a fault of the service: the package's only broad catch.

    What it caught is counted under `place`, see `failures`.
    """

    __slots__ = ("place",)

    def __init__(self, place: str) -> None:
        self.place = place

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        with _failures_lock:
            _failures[self.place] += 1
        return True


def failures() -> dict[str, int]:
    """How often the guard caught something since the process started, by place."""
    with _failures_lock:
        return dict(_failures)


def _renew_lock() -> None:
    """The thread that held it stayed in the parent."""
    global _failures_lock
    _failures_lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)
