"""Work that is neither a request nor a task: a message, a management command. Bound, and traced if named."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, final

from opentelemetry.context import Context, create_key, get_value, set_value

from django_observe import correlation, currentspan, tally, traces
from django_observe.reporting import guard
from django_observe.tally import Tally
from django_observe.vocabulary import Attribute

if TYPE_CHECKING:
    from opentelemetry.trace import Link, Span, SpanKind
    from opentelemetry.util.types import Attributes

_KEY = create_key("django_observe_work")


def started(
    name: str | None,
    context: Context,
    kind: SpanKind | None = None,
    link: Link | None = None,
    attributes: Attributes = None,
) -> Span | None:
    """A new span, child of the one in `context`; None without a name, and where tracing is off."""
    if not name or not traces.enabled():
        return None
    from opentelemetry.trace import SpanKind, get_tracer

    links = [link] if link else None
    return get_tracer("django_observe").start_span(
        name, context, kind or SpanKind.INTERNAL, attributes, links
    )


def is_current() -> bool:
    """Whether the current span is that of a command or message as a whole: a request there is not part of it.

    The command may be a server that COMMANDS_WITHOUT_ID does not know.
    """
    span = get_value(_KEY)
    return span is not None and span is currentspan.span_in()


@final
class Work:
    """A context manager: the ID, and the span and tally where there are any, are current in its block alone.

    The ID is the one given, else the span's trace ID, else a new one. An exception marks the span and passes
    on.
    """

    __slots__ = ("_context", "_process", "_span", "_tally", "_tally_token", "_token", "correlation_id")

    def __init__(
        self, identifier: str | None, context: Context, span: Span | None, counted: Tally | None = None
    ) -> None:
        own = None
        if span is not None:
            from opentelemetry.trace import set_span_in_context

            context = set_value(_KEY, span, set_span_in_context(span, context))
            own = traces.current(context)
        self.correlation_id = correlation.chosen(identifier, own)
        if span is not None:
            span.set_attribute(Attribute.CORRELATION_ID, self.correlation_id)
        self._span, self._context, self._process = span, context, os.getpid()
        self._tally = counted
        if counted is not None:
            counted.trace = traces.current(context)

    def __enter__(self) -> str:
        self._token = correlation.bind(self.correlation_id, self._context)
        if self._tally is not None:
            self._tally_token = tally.bind(self._tally)
        return self.correlation_id

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tally is not None:
            with guard("workspan"):
                tally.reset(self._tally_token)
        correlation.reset(self._token)
        self.end(error)

    def end(self, error: BaseException | None = None) -> None:
        """Ends the span, as an error if there was one; only the first call counts, and not that of a fork."""
        span, self._span = self._span, None
        if span is not None and self._process == os.getpid():
            with guard("workspan"):
                if self._tally is not None:
                    span.set_attributes(traces.query_attributes(self._tally.queries()))
                if error is not None and _is_failure(error):
                    from django_observe import privacy

                    traces.fail(span, privacy.failure_of(error))
            with guard("workspan"):
                span.end()


def _is_failure(error: BaseException) -> bool:
    """An exception is, and an exit with a status; not a generator that is closed, nor a Ctrl-C."""
    if isinstance(error, SystemExit):
        return error.code not in (None, 0)
    return isinstance(error, Exception)
