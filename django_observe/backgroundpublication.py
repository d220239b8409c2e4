"""Enqueuing one of Django's background tasks: the ID and the producer's span, for as long as it takes."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from opentelemetry.context import Context, create_key, get_value, set_value
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

from django_observe import backgroundspans, correlation, privacy, tally, taskheaders, traces
from django_observe.binding import Binding
from django_observe.reporting import guard
from django_observe.taskheaders import Headers

_KEY = create_key("django_observe_publication")


class BackgroundPublication:
    """One call of `Task.enqueue`. Whatever it raises, the context is afterwards what it was before.

    It travels in OpenTelemetry's context, so that a run which begins within it, in this thread or in one of
    a backend's own, is known to be part of it.
    """

    def __init__(self, task: Any) -> None:
        self._task = task
        self._span: Span = INVALID_SPAN
        self._binding = Binding()

    def __enter__(self) -> None:
        with guard("backgroundtasks"):
            self._span = backgroundspans.enqueuing(self._task)
            context = set_value(_KEY, self)
            if self._span is not INVALID_SPAN:
                context = set_span_in_context(self._span, context)
            identifier = correlation.chosen(correlation.correlation_id(), traces.current(context))
            backgroundspans.identified(self._span, identifier)
            self._binding.bind(identifier, context, tally.current())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with guard("backgroundtasks"):
            if error is not None:
                traces.fail(self._span, privacy.failure_of(error))
        with guard("backgroundtasks"):
            self._span.end()
        self._binding.release()

    def enqueued(self, result: Any) -> None:
        """Notes the id that the backend has given the task."""
        with guard("backgroundtasks"):
            backgroundspans.enqueued(self._span, str(result.id))


def current(context: Context | None = None) -> BackgroundPublication | None:
    """The enqueue that `context` (default: what is current) is part of."""
    found = get_value(_KEY, context)
    return found if isinstance(found, BackgroundPublication) else None


def outside(context: Context) -> Context:
    """`context` as it is for what is no part of an enqueue, such as the body of a task."""
    return set_value(_KEY, None, context)


def headers() -> Headers:
    """What is to travel with the task that is being enqueued here; empty where none is."""
    carrier: Headers = {}
    if current() is not None:
        taskheaders.write(carrier)
    return carrier
