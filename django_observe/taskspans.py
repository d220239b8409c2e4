"""The spans of tasks: OpenTelemetry's Celery instrumentation, begun and ended where nothing can get lost.

Upstream keeps open spans on the task object by task id, from one signal to the next. So the span of a task
that this process does not know has no duration, a publish that fails leaves its span current for ever, and an
eager retry overwrites the span of the attempt before it (opentelemetry-instrumentation-celery 0.66b1).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import detach

from django_observe import conf, tasktrace

_instrumentor: Any = None


@dataclass
class OpenSpan:
    """Stands in for the task towards the instrumentation, which keeps the span on it; one for each use."""

    name: str
    request: Any = None
    throws: tuple[type[Exception], ...] = ()

    def close(self, error: BaseException | None) -> None:
        """Ends the span, as an error if there was one, and restores the context; once."""
        for _, activation, token in vars(self).pop("__otel_task_span", {}).values():
            _leave(activation, error)
            if token is not None:
                detach(token)


def _leave(activation: AbstractContextManager[Any], error: BaseException | None) -> None:
    activation.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)


def install(*, enabled: bool) -> None:
    """Turns the spans on or off; an instrumentation that the project turned on itself stays as it is."""
    global _instrumentor
    if enabled and _instrumentor is None:
        from django_observe import taskinstrumentor

        _instrumentor = taskinstrumentor.instance()
    if _instrumentor is None or _instrumentor.is_instrumented_by_opentelemetry is enabled:
        return
    if enabled:
        _instrumentor.instrument()
    else:
        _instrumentor.uninstrument()


def publishing(name: str, task_id: str, signal: dict[str, Any]) -> OpenSpan | None:
    """Starts a producer's span and makes it current; its `close` must follow. None when spans are off."""
    if not _enabled():
        return None
    span = OpenSpan(name)
    _instrumentor._trace_before_publish(**{**signal, "sender": span, "headers": {"id": task_id}})  # noqa: SLF001
    return span


def running(task: Any, task_id: str, signal: dict[str, Any], relation: str) -> OpenSpan | None:
    """Starts a run's span, in that `relation` to its producer's, and makes it current; `ran` must follow."""
    if not _enabled():
        return None
    span = OpenSpan(task.name, throws=tuple(task.throws or ()))
    if relation != tasktrace.NEW:  # the instrumentation looks for the producer's span there
        span.request = task.request
    instrumentor = _instrumentor.linking() if relation == tasktrace.LINK else _instrumentor
    instrumentor._trace_prerun(**{**signal, "task": span, "task_id": task_id})  # noqa: SLF001
    span.request = task.request
    return span


def failed(span: OpenSpan, task_id: str, einfo: Any) -> None:
    """Marks a run's span as failed, unless the task declares the exception in `throws`."""
    _instrumentor._trace_failure(sender=span, task_id=task_id, einfo=einfo)  # noqa: SLF001


def retried(span: OpenSpan, request: Any, reason: Any) -> None:
    """Notes on a run's span why there will be another run."""
    _instrumentor._trace_retry(sender=span, request=request, reason=reason)  # noqa: SLF001


def ran(span: OpenSpan, task_id: str, signal: dict[str, Any]) -> None:
    """Ends a run's span and restores the context."""
    try:
        _instrumentor._trace_postrun(**{**signal, "task": span, "task_id": task_id})  # noqa: SLF001
    finally:
        span.close(None)


def _enabled() -> bool:
    """Whether they were switched on, and the setting, which tests override, is on now."""
    if _instrumentor is None or not conf.settings().traces:
        return False
    return bool(_instrumentor.is_instrumented_by_opentelemetry)
