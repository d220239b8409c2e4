"""The spans of tasks: OpenTelemetry's Celery instrumentation, begun and ended where nothing can get lost.

Upstream keeps open spans on the task object by task id, from one signal to the next. So the span of a task
that this process does not know has no duration, a publish that fails leaves its span current for ever, and an
eager retry overwrites the span of the attempt before it (opentelemetry-instrumentation-celery 0.66b1).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from celery.app.task import Context
from opentelemetry import context as opentelemetry_context
from opentelemetry.instrumentation.celery import CeleryInstrumentor, utils
from opentelemetry.trace import Span

_upstream: Any = CeleryInstrumentor  # its methods are not typed


class TaskInstrumentor(CeleryInstrumentor):
    """The instrumentation with its names and attributes, but with no receiver of its own connected.

    Takes the place of the one instance there is, so that an `instrument()` elsewhere makes no second spans.
    """

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]
        super()._uninstrument()  # type: ignore[no-untyped-call]


@dataclass
class OpenSpan:
    """Stands in for the task towards the instrumentation, which keeps the span on it; one for each use."""

    name: str
    request: Context | None = None
    throws: tuple[type[Exception], ...] = ()

    def of(self, task_id: str, *, is_publish: bool) -> tuple[Span, AbstractContextManager[Span], Any] | None:
        """The span, what ends it, and the token of the context that was attached for it."""
        return utils.retrieve_context(self, task_id, is_publish=is_publish)  # type: ignore[arg-type]


def install(*, enabled: bool) -> None:
    """Turns the spans on or off; an instrumentation that the project turned on itself stays as it is."""
    existing = CeleryInstrumentor._instance  # noqa: SLF001 - there is no public way to ask without making one
    if not isinstance(existing, TaskInstrumentor):
        if existing is not None and existing.is_instrumented_by_opentelemetry:
            return
        CeleryInstrumentor._instance = existing = TaskInstrumentor()  # type: ignore[no-untyped-call]  # noqa: SLF001
    if enabled and not existing.is_instrumented_by_opentelemetry:
        existing.instrument()
    elif existing.is_instrumented_by_opentelemetry and not enabled:
        existing.uninstrument()


def publishing(name: str, task_id: str, signal: dict[str, Any]) -> OpenSpan | None:
    """Starts a producer's span and makes it current; `published` must follow. None when spans are off."""
    instrumentor = _instrumentor()
    if instrumentor is None:
        return None
    span = OpenSpan(name)
    instrumentor._trace_before_publish(**{**signal, "sender": span, "headers": {"id": task_id}})  # noqa: SLF001
    return span


def published(span: OpenSpan, task_id: str, error: BaseException | None) -> None:
    """Ends a producer's span, as an error if the publish raised one, and restores the context."""
    found = span.of(task_id, is_publish=True)
    if found is not None:
        found[1].__exit__(type(error) if error else None, error, error.__traceback__ if error else None)


def running(task: Any, task_id: str, signal: dict[str, Any]) -> OpenSpan | None:
    """Starts a run's span, as child of the producer's, and makes it current; `ran` must follow."""
    instrumentor = _instrumentor()
    if instrumentor is None:
        return None
    span = OpenSpan(task.name, task.request, tuple(task.throws or ()))
    instrumentor._trace_prerun(**{**signal, "task": span, "task_id": task_id})  # noqa: SLF001
    return span


def failed(span: OpenSpan, task_id: str, einfo: Any) -> None:
    """Marks a run's span as failed, unless the task declares the exception in `throws`."""
    _upstream._trace_failure(sender=span, task_id=task_id, einfo=einfo)  # noqa: SLF001


def retried(span: OpenSpan, request: Any, reason: Any) -> None:
    """Notes on a run's span why there will be another run."""
    _upstream._trace_retry(sender=span, request=request, reason=reason)  # noqa: SLF001


def ran(span: OpenSpan, task_id: str, signal: dict[str, Any]) -> None:
    """Ends a run's span and restores the context."""
    instrumentor = _instrumentor()
    if instrumentor is not None:
        instrumentor._trace_postrun(**{**signal, "task": span, "task_id": task_id})  # noqa: SLF001
        return
    found = span.of(task_id, is_publish=False)
    if found is not None:
        found[1].__exit__(None, None, None)
        if found[2] is not None:
            opentelemetry_context.detach(found[2])


def _instrumentor() -> Any:
    existing = CeleryInstrumentor._instance  # noqa: SLF001
    on = isinstance(existing, TaskInstrumentor) and existing.is_instrumented_by_opentelemetry
    return existing if on else None
