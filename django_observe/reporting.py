"""Telling the reporters, and the one guard between telemetry and the service."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from django_observe import forks, interruption

if TYPE_CHECKING:
    from django_observe.records import Record

Reporter: TypeAlias = "Callable[[Record], None]"

_reporters: tuple[Reporter, ...] = ()
_audiences: dict[type[Record], tuple[Reporter, ...]] = {}
"""Who is told of each kind of record."""

shortcuts: dict[tuple[str, ...], Callable[..., object]] = {}
"""What tells one reporter of something without a record, by the record's class and labels: where nobody else
would hear it. Another dict, an empty one, when that may be otherwise: take it before asking whether it is so.
"""

_wishes: list[tuple[Reporter, frozenset[str]]] = []
_failures: Counter[str] = Counter()
_failures_lock = threading.RLock()  # reentrant: a destructor may fail, guarded, while it is held
_telling = threading.local()


def set_reporters(reporters: tuple[Reporter, ...]) -> None:
    """Decides who is told; a reporter that is off is absent."""
    global _reporters, _audiences
    _reporters = reporters
    _audiences = {}  # after that, and a new one: a thread that asks meanwhile fills in the old one
    forget_shortcuts()


def forget_shortcuts() -> None:
    """Has everything told by records again, until shortcuts are made anew."""
    global shortcuts
    shortcuts = {}


def hears_only(*kinds: str) -> Callable[[Reporter], Reporter]:
    """Decorates a reporter which does nothing with records of other classes: it is not told of those.

    By name, as most processes never import them. Saves 4k of the 29k instructions that a statement takes.
    """

    def decorate(reporter: Reporter) -> Reporter:
        _wishes.append((reporter, frozenset(kinds)))
        return reporter

    return decorate


def reporters() -> tuple[Reporter, ...]:
    """Who is told, in order."""
    return _reporters


def hears_alone(reporter: Reporter, kind: type[Record]) -> bool:
    """Whether nobody else is told of that kind; False until the first of them has been told."""
    return _audiences.get(kind) == (reporter,)


def report(record: Record) -> None:
    """Tells every reporter about `record`. A reporter's fault is counted and never raised.

    What a signal handler raises meanwhile is raised once all of them are told.
    """
    interruptions: list[BaseException] = []
    audience = _audiences.get(type(record))
    for reporter in _audience(type(record)) if audience is None else audience:
        try:
            reporter(record)
        except BaseException as error:  # noqa: BLE001, PERF203 - raised below
            if not _is_kept(error, getattr(reporter, "__module__", None) or "reporting"):
                interruptions.append(error)
    if interruptions:
        try:
            raise interruptions[0]
        finally:
            del interruptions  # its traceback holds this frame


def _audience(kind: type[Record]) -> tuple[Reporter, ...]:
    audiences = _audiences
    found = tuple(reporter for reporter in _reporters if _hears(reporter, kind))
    audiences[kind] = found
    return found


def _hears(reporter: Reporter, kind: type[Record]) -> bool:
    """By identity: a project's reporter may have no hash."""
    return all(kind.__name__ in kinds for known, kinds in _wishes if known is reporter)


class guard:  # noqa: N801 - used as a statement, like contextlib.suppress
    """Keeps a fault of telemetry from becoming a fault of the service: the package's only broad catch.

    What it caught is counted under `place`, see `failures`, and told on stderr, see `failurenotice`. What a
    signal handler raised is the application's and passes. One guard may be used any number of times, also by
    several threads.
    """

    __slots__ = ("place",)

    def __init__(self, place: str) -> None:
        self.place = place

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return error is not None and _is_kept(error, self.place)


def _is_kept(error: BaseException, place: str) -> bool:
    """Whether the service is to see nothing of `error`; it is counted then."""
    if not isinstance(error, Exception) or interruption.raised(error.__traceback__):
        return False
    with _failures_lock:
        _failures[place] += 1
        count = _failures[place]
    _tell(place, error, count)
    return True


def _tell(place: str, error: Exception, count: int) -> None:
    """Has stderr say so; of a fault in saying it, nothing is said."""
    if getattr(_telling, "now", False):
        return
    _telling.now = True
    try:
        with guard("notice"):
            from django_observe import failurenotice  # here, as where nothing fails nobody needs it

            failurenotice.tell(place, error, count)
    finally:
        _telling.now = False


def failures() -> dict[str, int]:
    """How often the guard caught something since the process started, by place."""
    with _failures_lock:
        return dict(_failures)


def _renew_lock() -> None:
    """The thread that held it stayed in the parent."""
    global _failures_lock
    _failures_lock = threading.RLock()


def _import_records() -> None:
    """Before a fork: each child would take 9 ms for that, or hang in an import that another thread began."""
    if _reporters:
        with guard("reporting"):
            from django_observe import records  # noqa: F401


os.register_at_fork(before=_import_records)
forks.in_child(_renew_lock)
