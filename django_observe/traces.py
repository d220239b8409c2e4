"""Tracing: started only where spans have somewhere to go; the reporter that completes the server's span.

Importing this module imports no OpenTelemetry SDK; `install` does, where tracing is on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry.context import Context

from django_observe import conf, correlation, currentspan, quiet
from django_observe.reporting import hears_only
from django_observe.tracecontext import TraceContext
from django_observe.vocabulary import UNMATCHED_ROUTE, Attribute, LabelValue

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext, Status

    from django_observe.records import Exchange, Failure, QueryStats, Record, TaskRun, WebSocketHandshake

# Stable semantic conventions; where tracing is off nothing imports OpenTelemetry's lists of them
ERROR_TYPE: Final = "error.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
EXCEPTION_TYPE: Final = "exception.type"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
HTTP_ROUTE: Final = "http.route"
URL_PATH: Final = "url.path"

UNKNOWN_METHOD = "HTTP"
"""Name of a span whose method is not a known one (semantic conventions for HTTP spans, "Name")."""

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_SAMPLED = 1
"""The one trace flag (W3C Trace Context, "trace-flags")."""

_IS_VALID = 5
"""Its place in a SpanContext, which is a tuple; by its property, a call, it takes 1k instructions more."""

_begin: Callable[[HttpRequest, bool], ServerSpan | None] | None = None


class ServerSpan:
    """The span of a request; it is current wherever `context` is."""

    __slots__ = ("_on_answer", "_on_end", "_span", "begins_trace", "context", "trace")

    def __init__(
        self,
        span: Span,
        context: Context,
        on_end: Callable[[Span], None] | None = None,
        on_answer: Callable[[Span, HttpResponseBase], None] | None = None,
        *,
        begins_trace: bool = False,
    ) -> None:
        self.trace = _trace_context(span.get_span_context())
        self._span, self.context = span, context
        self._on_end, self._on_answer = on_end, on_answer
        self.begins_trace = begins_trace or is_root(span)
        """Whether nobody outside of this process has chosen the trace's ID."""

    def answered(self, response: HttpResponseBase) -> None:
        """Takes from the answer's headers, or adds to them, what OpenTelemetry's variables ask for."""
        if self._on_answer is not None:
            self._on_answer(self._span, response)

    def end(self) -> None:
        """Ends the span; only the first call counts, and a span that somebody else began is left to them."""
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            on_end(self._span)


def wanted() -> bool:
    """Whether spans have somewhere to go: an OTLP endpoint, and neither the setting nor OTEL_* says no."""
    return bool(conf.settings().traces) and conf.exports("traces")


def enabled() -> bool:
    """Whether tracing was started and the setting is still on."""
    return _begin is not None and bool(conf.settings().traces)


def install() -> None:
    """Starts tracing, once, where it is wanted; no thread, no connection before the first span has ended."""
    global _begin
    if not wanted():
        return
    from django_observe import instrumentation, provider
    from django_observe.serverspan import ServerSpans

    provider.install()
    instrumentation.install()
    if _begin is None:
        _begin = ServerSpans().begin


def begin(request: HttpRequest, trusted: bool) -> ServerSpan | None:
    """Starts the span of a request; `trusted`: is the caller's trace continued? None: tracing is off."""
    return _begin(request, trusted) if _begin is not None and conf.settings().traces else None


def current(context: Context | None = None) -> TraceContext | None:
    """The span that is current in `context` (default: here and now), whoever made it."""
    known = currentspan.context_in(context)
    return None if known is None else _trace_context(known)


def request_id(
    given: str | None, span: ServerSpan | None, trace: TraceContext | None, *, trusted: bool
) -> str:
    """The correlation ID of a request: the one `given` or that of its trace, unless a stranger chose it.

    `trace`: that of `span` or else the current one. OpenTelemetry's own middleware goes on with anybody's.
    """
    if trusted or trace is None:
        return correlation.chosen(given if trusted else None, trace)
    begins_trace = is_root(currentspan.span_in()) if span is None else span.begins_trace
    return correlation.chosen(None, trace if begins_trace else None)


def is_root(span: Span | None) -> bool:
    """Whether it has no parent; one that is not recorded does not say."""
    return getattr(span, "parent", span) is None


def named(context: SpanContext) -> TraceContext | None:
    """The span of these IDs; None where they are not valid. `current` takes 7k instructions more."""
    return _trace_context(context) if context[_IS_VALID] else None


@hears_only("Exchange", "WebSocketHandshake", "TaskRun")
def report(record: Record) -> None:
    """Completes the current span with what the record knows of its request or task."""
    complete = _completing().get(type(record)) if currentspan.may_be() else None
    if complete is not None:
        complete(record, currentspan.span_in())


@lru_cache(maxsize=1)
def _completing() -> dict[type[Record], Callable[[Any, Span | None], None]]:
    """By kind of record, all of which are imported with the first."""
    from django_observe import records

    return {
        records.Exchange: _complete_server_span,
        records.WebSocketHandshake: _complete_handshake_span,
        records.TaskRun: _complete_task_span,
    }


def _complete_handshake_span(handshake: WebSocketHandshake, span: Span | None) -> None:
    _complete_server_span(handshake.exchange, span)


def _complete_server_span(exchange: Exchange, span: Span | None) -> None:
    held = quiet.held_in(None) if exchange.quiet else None
    failed = exchange.status >= _CLIENT_ERROR or exchange.failure is not None
    if held is not None and not (failed or exchange.aborted):
        held.discard()
    if span is None or not span.is_recording():
        return
    attributes: dict[str, Any] = {
        HTTP_RESPONSE_STATUS_CODE: exchange.status,
        Attribute.CORRELATION_ID: exchange.correlation_id,
        URL_PATH: exchange.path,
    }
    if exchange.client_correlation_id is not None:
        attributes[Attribute.CLIENT_CORRELATION_ID] = exchange.client_correlation_id
    if exchange.matched:
        attributes[HTTP_ROUTE] = exchange.route
    attributes |= query_attributes(exchange.queries)
    if exchange.failure is not None:
        fail(span, exchange.failure)
    elif exchange.status >= _SERVER_ERROR:
        span.set_status(_error())
    if exchange.status >= _SERVER_ERROR:
        attributes[ERROR_TYPE] = str(exchange.status)
    span.set_attributes(attributes)
    _name(span, exchange)


def _name(span: Span, exchange: Exchange) -> None:
    """`METHOD route`, unless the project gave the span another name in the meantime."""
    begun: str = getattr(span, "name", UNKNOWN_METHOD)
    known = exchange.method != LabelValue.OTHER_METHOD
    if begun != UNKNOWN_METHOD and (begun == exchange.method or not known) and " " not in begun:
        span.update_name(f"{begun} {exchange.route if exchange.matched else UNMATCHED_ROUTE}")


def _error(description: str | None = None) -> Status:
    from opentelemetry.trace import Status, StatusCode

    return Status(StatusCode.ERROR, description)


def fail(span: Span, failure: Failure) -> None:
    """Marks a span with the exception that ended its work, as the record has it: scrubbed and capped."""
    if not span.is_recording():
        return
    span.set_attribute(ERROR_TYPE, failure.type)
    span.set_status(_error(f"{failure.type}: {failure.message}"))
    span.add_event(
        "exception",
        {
            EXCEPTION_TYPE: failure.type,
            EXCEPTION_MESSAGE: failure.message,
            EXCEPTION_STACKTRACE: failure.stack,
        },
    )


def _complete_task_span(run: TaskRun, span: Span | None) -> None:
    if span is None or not span.is_recording():
        return
    attributes: dict[str, Any] = {Attribute.CORRELATION_ID: run.correlation_id}
    if run.queue_wait_seconds is not None:
        attributes[Attribute.QUEUE_WAIT_MS[run.system]] = round(run.queue_wait_seconds * 1_000_000) / 1_000
    if run.clock_skew_seconds is not None:
        attributes[Attribute.CLOCK_SKEW_MS[run.system]] = round(run.clock_skew_seconds * 1_000_000) / 1_000
    if run.schedule is not None:
        attributes[Attribute.SCHEDULE] = run.schedule
    if run.redelivered:
        attributes[Attribute.REDELIVERED] = True
    attributes |= query_attributes(run.queries)
    span.set_attributes(attributes)


def query_attributes(queries: QueryStats) -> dict[str, int]:
    """What a span says of its database work; nothing where there was none."""
    if not queries.count:
        return {}
    return {Attribute.DB_QUERY_COUNT: queries.count, Attribute.DB_QUERY_REPEAT: queries.repeat}


def _trace_context(context: SpanContext) -> TraceContext:
    trace_id, span_id, _, flags, *_ = context  # a tuple; by its properties, which are calls: 7k more
    trace, span = trace_id.to_bytes(16, "big").hex(), span_id.to_bytes(8, "big").hex()
    return TraceContext(trace, span, bool(flags & _SAMPLED))
