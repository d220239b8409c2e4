"""Tracing: started only where spans have somewhere to go; the reporter that completes the server's span.

Importing this module imports no OpenTelemetry SDK; `install` does, where tracing is on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE
from opentelemetry.semconv.attributes.url_attributes import URL_PATH
from opentelemetry.trace import Span, SpanContext, Status, StatusCode, format_span_id, format_trace_id

from django_observe import conf, privacy, quiet
from django_observe.records import (
    Exchange,
    Failure,
    QueryStats,
    Record,
    TaskRun,
    TraceContext,
    WebSocketHandshake,
)
from django_observe.vocabulary import UNMATCHED_ROUTE, Attribute, LabelValue

UNKNOWN_METHOD = "HTTP"
"""Name of a span whose method is not a known one (semantic conventions for HTTP spans, "Name")."""

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_begin: Callable[[HttpRequest, bool], ServerSpan | None] | None = None


class ServerSpan:
    """The span of a request; it is current wherever `context` is."""

    __slots__ = ("_on_answer", "_on_end", "_span", "context", "trace")

    def __init__(
        self,
        span: Span,
        context: Context,
        on_end: Callable[[Span], None] | None = None,
        on_answer: Callable[[Span, HttpResponseBase], None] | None = None,
    ) -> None:
        self.trace = _trace_context(span.get_span_context())
        self._span, self.context = span, context
        self._on_end, self._on_answer = on_end, on_answer

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
    span = trace.get_current_span(context).get_span_context()
    return _trace_context(span) if span.is_valid else None


def report(record: Record) -> None:
    """Completes the current span with what the record knows of its request or task."""
    if isinstance(record, Exchange):
        _complete_server_span(record, trace.get_current_span())
    elif isinstance(record, WebSocketHandshake):
        _complete_server_span(record.exchange, trace.get_current_span())
    elif isinstance(record, TaskRun):
        _complete_task_span(record, trace.get_current_span())


def _complete_server_span(exchange: Exchange, span: Span) -> None:
    held = quiet.held_in(None) if exchange.quiet else None
    failed = exchange.status >= _CLIENT_ERROR or exchange.failure is not None
    if held is not None and not (failed or exchange.aborted):
        held.discard()
    if not span.is_recording():
        return
    attributes: dict[str, Any] = {
        HTTP_RESPONSE_STATUS_CODE: exchange.status,
        Attribute.CORRELATION_ID: exchange.correlation_id,
    }
    if exchange.client_correlation_id is not None:
        attributes[Attribute.CLIENT_CORRELATION_ID] = exchange.client_correlation_id
    if exchange.matched:
        attributes[HTTP_ROUTE] = exchange.route
        if "<" in exchange.route:
            attributes[URL_PATH] = privacy.scrub_path(exchange.path, exchange.route)
    attributes |= query_attributes(exchange.queries)
    if exchange.failure is not None:
        fail(span, exchange.failure)
    elif exchange.status >= _SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))
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


def fail(span: Span, failure: Failure) -> None:
    """Marks a span with the exception that ended its work, as the record has it: scrubbed and capped."""
    if not span.is_recording():
        return
    span.set_attribute(ERROR_TYPE, failure.type)
    span.set_status(Status(StatusCode.ERROR, f"{failure.type}: {failure.message}"))
    span.add_event(
        "exception",
        {
            EXCEPTION_TYPE: failure.type,
            EXCEPTION_MESSAGE: failure.message,
            EXCEPTION_STACKTRACE: failure.stack,
        },
    )


def _complete_task_span(run: TaskRun, span: Span) -> None:
    if not span.is_recording():
        return
    attributes: dict[str, Any] = {Attribute.CORRELATION_ID: run.correlation_id}
    if run.queue_wait_seconds is not None:
        attributes[Attribute.QUEUE_WAIT_MS[run.system]] = round(run.queue_wait_seconds * 1_000, 3)
    if run.clock_skew_seconds is not None:
        attributes[Attribute.CLOCK_SKEW_MS[run.system]] = round(run.clock_skew_seconds * 1_000, 3)
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
    return TraceContext(
        format_trace_id(context.trace_id), format_span_id(context.span_id), context.trace_flags.sampled
    )
