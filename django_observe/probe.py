"""Asking dependencies at once, each with its own time limit, in threads that never pile up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import perf_counter
from types import TracebackType
from typing import TypeAlias

from django.core.cache import caches
from django.db import connections

from django_observe import forks, privacy
from django_observe.reporting import guard

Check: TypeAlias = Callable[[], object]
"""Returns when the dependency is ready, raises when it is not."""

MAX_ERROR = 200
"""Characters of an error that are told."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found, and how long it took."""

    seconds: float
    error: str | None = None


class _Probe:
    """One run of one check in a daemon thread; whoever asks while it runs shares it."""

    def __init__(self, check: Check) -> None:
        self.started = perf_counter()
        self.verdict: Verdict | None = None
        self._check = check
        self._done = Event()

    def start(self) -> None:
        """Starts the thread; that none could be started is a verdict, too."""
        with self:
            Context().run(Thread(target=self._run, name="django_observe.ready", daemon=True).start)

    def wait(self, timeout: float) -> Verdict:
        """The verdict, or that there is none yet; a probe that was late already is not waited for again."""
        waited = max(perf_counter() - self.started, 0.0)
        self._done.wait(max(timeout - waited, 0.0))
        waited = max(perf_counter() - self.started, 0.0)
        return self.verdict or Verdict(waited, f"TimeoutError: no answer in {waited:.1f} s")

    def _run(self) -> None:
        from opentelemetry.instrumentation.utils import suppress_instrumentation

        with self, suppress_instrumentation():
            try:
                self._check()
            finally:
                _close_connections()
        self._settle(None)

    def _settle(self, error: BaseException | None) -> None:
        if self.verdict is None:
            self.verdict = Verdict(max(perf_counter() - self.started, 0.0), _told(error))
        self._done.set()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Whatever a check raises is its answer."""
        if error is not None:
            self._settle(error)
        return isinstance(error, Exception)


_running: dict[str, _Probe] = {}
_lock = Lock()


def ask(checks: Mapping[str, Check], timeout: float) -> dict[str, Verdict]:
    """The verdict of every check, in `timeout` seconds at most. One that still hangs is not started again."""
    probes = {name: _probe(name, check) for name, check in checks.items()}
    return {name: probe.wait(timeout) for name, probe in probes.items()}


def _probe(name: str, check: Check) -> _Probe:
    with _lock:
        probe = _running.get(name)
        if probe is None or probe.verdict is not None:
            probe = _running[name] = _Probe(check)
            probe.start()
        return probe


def _after_fork() -> None:
    """The threads of the probes stayed in the parent."""
    global _lock
    _lock = Lock()
    _running.clear()


forks.in_child(_after_fork)


def _close_connections() -> None:
    """Closes what the check opened in its own thread; the connections of other threads are not touched."""
    with guard("probe"):
        connections.close_all()
    with guard("probe"):
        caches.close_all()


def _told(error: BaseException | None) -> str | None:
    if error is None:
        return None
    failure = privacy.failure_of(error)
    return f"{failure.type.rpartition('.')[2]}: {failure.message}"[:MAX_ERROR]
