"""The spans of tasks: OpenTelemetry's Celery instrumentation, begun and ended where nothing can get lost.

Upstream keeps open spans on the task object by task id, from one signal to the next. So the span of a task
that this process does not know has no duration, a publish that fails leaves its span current for ever, and an
eager retry overwrites the span of the attempt before it (opentelemetry-instrumentation-celery 0.66b1).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from wrapt import register_post_import_hook

from django_observe import conf
from django_observe.correlation import reset
from django_observe.reporting import guard

_UPSTREAM = "opentelemetry.instrumentation.celery"
_instrumentor: Any = None
_is_awaited = _is_on = False


@dataclass
class OpenSpan:
    """A span that is current. It stands in for the task where upstream looks for the span on that."""

    name: str
    span: Any
    token: Any
    request: Any = None
    throws: tuple[type[Exception], ...] = ()
    started: float = 0.0

    def close(self, error: BaseException | None) -> None:
        """Ends the span, as an error if there was one, and restores the context; once."""
        if self.token is None:
            return
        token, self.token = self.token, None
        reset(token)
        if isinstance(error, Exception):
            _fail(self.span, error)
        self.span.end()


def _fail(span: Any, error: Exception) -> None:
    from opentelemetry.trace import Status, StatusCode

    if span.is_recording():
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def install(*, enabled: bool) -> None:
    """Turns the spans on or off; an instrumentation that the project turns on itself is gone on for.

    Upstream's receivers beside ours would leave the contexts of ended tasks current: they are called in the
    order in which ours are, at a task's beginning and at its end.
    """
    global _is_on
    if enabled or _UPSTREAM in sys.modules:
        _take_place()
    else:
        _await_upstream()
    if _instrumentor is None or enabled is _is_on or _instrumentor.goes_on:
        return
    _is_on = enabled
    if enabled:
        _instrumentor.instrument()
    else:
        _instrumentor.uninstrument()


def _await_upstream() -> None:
    global _is_awaited
    if not _is_awaited:
        _is_awaited = True
        register_post_import_hook(_take_place, _UPSTREAM)


def _take_place(_: ModuleType | None = None) -> None:
    global _instrumentor
    if _instrumentor is None:
        with guard("celery"):
            from django_observe import taskinstrumentor

            _instrumentor = taskinstrumentor.instance()


def publishing(name: str, task_id: str, signal: dict[str, Any]) -> OpenSpan | None:
    """Starts a producer's span and makes it current; its `close` must follow. None when spans are off."""
    if not _enabled():
        return None
    span: OpenSpan = _instrumentor.publishing(name, task_id, signal)
    return span


def running(task: Any, relation: str, headers: dict[Any, Any], identifier: str | None) -> OpenSpan | None:
    """Starts a run's span, in that `relation` to its producer's, and makes it current; `ran` must follow.

    `headers`, and the correlation ID among them, are the request's, as read by `taskheaders`.
    """
    if not _enabled():
        return None
    span: OpenSpan = _instrumentor.running(task, relation, headers, identifier)
    return span


def failed(span: OpenSpan, task_id: str, einfo: Any) -> None:
    """Marks a run's span as failed, unless the task declares the exception in `throws`."""
    _instrumentor.failed(span, task_id, einfo)


def retried(span: OpenSpan, request: Any, reason: Any) -> None:
    """Notes on a run's span why there will be another run."""
    _instrumentor.retried(span, request, reason)


def ran(span: OpenSpan, state: str | None) -> None:
    """Ends a run's span and restores the context."""
    try:
        _instrumentor.ran(span, state)
    finally:
        span.close(None)


def _enabled() -> bool:
    """Whether they were switched on, and the setting, which tests override, is on now; it is about ours."""
    if _instrumentor is None or not (conf.settings().traces or _instrumentor.goes_on):
        return False
    return bool(_instrumentor.is_instrumented_by_opentelemetry)
