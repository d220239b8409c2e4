"""Enqueuing one of Django's background tasks: the ID and the producer's span, for as long as it takes."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context, create_key, get_current, set_value

from django_observe import backgroundspans, correlation, currentspan, traces
from django_observe.binding import Binding
from django_observe.reporting import guard

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from django_observe.taskheaders import Headers

_guard = guard("backgroundtasks")
_KEY = create_key("django_observe_publication")


class BackgroundPublication:
    """One call of `Task.enqueue`. Whatever it raises, the context is afterwards what it was before.

    It travels in OpenTelemetry's context, so that a run which begins within it, in this thread or in one of
    a backend's own, is known to be part of it.
    """

    def __init__(self, task: Any) -> None:
        self._task = task
        self._span: Span | None = None
        self._binding = Binding()

    def __enter__(self) -> None:
        with _guard:
            context = set_value(_KEY, self, self._binding.context)
            if backgroundspans.are_on():
                self._span = backgroundspans.enqueuing(self._task)
                context = backgroundspans.within(context, self._span)
            identifier = correlation.of(context)  # mostly; to ask for the trace takes 8k instructions
            if identifier is None:
                known = traces.current(context) if currentspan.may_be() else None
                identifier = correlation.chosen(None, known)
            if self._span is not None:
                backgroundspans.identified(self._span, identifier)
            self._binding.bind(identifier, context, self._binding.tally)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is not None:
            with _guard:
                if error is not None:
                    from django_observe.privacy import failure_of

                    traces.fail(self._span, failure_of(error))
            with _guard:
                self._span.end()
        self._binding.release()

    def enqueued(self, result: Any) -> None:
        """Notes the id that the backend has given the task."""
        if self._span is not None:
            with _guard:
                backgroundspans.enqueued(self._span, str(result.id))


def current(context: Context | None = None) -> BackgroundPublication | None:
    """The enqueue that `context` (default: what is current) is part of."""
    found = (get_current() if context is None else context).get(_KEY)
    return found if isinstance(found, BackgroundPublication) else None


def outside(context: Context) -> Context:
    """`context` as it is for what is no part of an enqueue, such as the body of a task."""
    return set_value(_KEY, None, context)


def headers() -> Headers:
    """What is to travel with the task that is being enqueued here; empty where none is."""
    carrier: Headers = {}
    if current() is not None:
        from django_observe import taskheaders  # it imports OpenTelemetry's API, and not every task travels

        taskheaders.write(carrier)
    return carrier
