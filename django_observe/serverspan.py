"""The span of an incoming request: OpenTelemetry's Django middleware without what it throws away.

Upstream builds absolute URLs (which raises for a bad Host), scans headers nobody asked for, resolves the URL
a second time and keeps metrics that we serve ourselves; and it knows ASGI only with one more package. Without
all that its span takes 480k of 750k instructions less. A differential test holds both equal, attribute by
attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry import context as opentelemetry_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.instrumentation.django.version import __version__
from opentelemetry.instrumentation.propagators import get_global_response_propagator
from opentelemetry.instrumentation.utils import extract_attributes_from_object
from opentelemetry.instrumentation.wsgi import (
    collect_custom_request_headers_attributes,
    collect_custom_response_headers_attributes,
)
from opentelemetry.propagators.textmap import Getter, TextMapPropagator
from opentelemetry.semconv.attributes.url_attributes import URL_PATH
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.http import sanitize_method

from django_observe import conf, export, quiet, spansize, traceparent, workspan
from django_observe.messages import MAX_VALUE
from django_observe.onlookers import Onlookers
from django_observe.pathtext import scrub_path
from django_observe.propagation import meta_key
from django_observe.propagators import CorrelationPropagator
from django_observe.requestattributes import attributes_of
from django_observe.traces import UNKNOWN_METHOD, ServerSpan, is_root
from django_observe.vocabulary import Header

_OTHER_METHOD = "_OTHER"
_TRACEPARENT = "HTTP_TRACEPARENT"
_CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_"
_only_parent = TraceContextTextMapPropagator()


class _MetaGetter(Getter[Mapping[str, Any]]):
    """Reads headers from request.META, which WSGI and ASGI requests both have; overlong ones are absent."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get(meta_key(key))
        return [value] if isinstance(value, str) and len(value) <= MAX_VALUE else None

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return [key[5:].lower().replace("_", "-") for key in carrier if key.startswith("HTTP_")]


class ServerSpans(_DjangoMiddleware):
    """Begins server spans; what is configured by upstream's own variables is read once, here."""

    _tracer: trace.Tracer  # type: ignore[assignment]  # upstream has None there until it is switched on

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(
            "opentelemetry.instrumentation.django", __version__, schema_url=Schemas.V1_21_0.value
        )
        self._follow(propagate.get_global_textmap())
        self._captures_request = bool(conf.environment(_CAPTURE + "REQUEST"))
        self._captures_response = bool(conf.environment(_CAPTURE + "RESPONSE"))
        self._methods: dict[str, str] = {}
        self._onlookers = Onlookers()

    def begin(self, request: HttpRequest, trusted: bool) -> ServerSpan | None:
        """Starts the span of `request`; one that OpenTelemetry's own middleware began is used as it is."""
        meta = request.META
        begun: Span | None = meta.get(self._environ_span_key)
        if begun is not None:
            return ServerSpan(begun, opentelemetry_context.get_current())
        if self._is_excluded(request):
            return None
        context, kind, link = self._caller(meta, trusted)
        on_end: Callable[[Span], None] = _end
        if request.path.startswith(conf.settings().quiet_paths or ("\0",)):
            context, held = quiet.hold(context)
            on_end = partial(_end_quietly, held)
        span = self._started(request, context, kind, link)
        if not span.get_span_context().is_valid:
            return None
        responds = self._captures_response or _response_propagator() is not None
        return ServerSpan(
            span,
            set_span_in_context(span, context),
            on_end,
            self._answered if responds else None,
            begins_trace=not trusted and (kind is SpanKind.SERVER or is_root(trace.get_current_span())),
        )

    def _started(self, request: HttpRequest, context: Context, kind: SpanKind, link: Link | None) -> Span:
        given = str(request.META.get("REQUEST_METHOD", "")).strip()
        method = self._method(given)
        name = UNKNOWN_METHOD if method == _OTHER_METHOD else method
        links = (link,) if link else None
        # where nobody reads them at the start, attributes wait for the sampler, and the path for the route
        # (`traces.report`): saves 25k instructions, 68k where not sampled
        if self._onlookers.has(self._tracer):
            attributes = self._attributes(request, given, method)
            attributes[URL_PATH] = scrub_path(request.META.get("PATH_INFO", ""))
            return self._tracer.start_span(name, context, kind, attributes, links)
        span = self._tracer.start_span(name, context, kind, None, links)
        if span.is_recording():
            span.set_attributes(self._attributes(request, given, method))
        return span

    def _caller(self, meta: Mapping[str, Any], trusted: bool) -> tuple[Context, SpanKind, Link | None]:
        """Where to go on from: a server in front, a trusted caller, or anew with a Link to a stranger."""
        if trace.get_current_span() is not trace.INVALID_SPAN and not workspan.is_current():
            return opentelemetry_context.get_current(), SpanKind.INTERNAL, None
        if trusted:
            return self._continued(meta), SpanKind.SERVER, None
        if _TRACEPARENT in meta:
            stranger = _stranger(str(meta[_TRACEPARENT])[:256])
            if stranger.is_valid:
                return Context(), SpanKind.SERVER, Link(stranger)
        return Context(), SpanKind.SERVER, None

    def _follow(self, propagator: TextMapPropagator) -> None:
        """What the propagator reads; a project may set another at any time."""
        self._propagator = propagator
        fields = propagator.fields - CorrelationPropagator().fields
        self._carried = tuple(map(meta_key, fields))  # the ID is taken from its header by `observation`
        beside = traceparent.read_beside(propagator)
        self._beside = None if beside is None else tuple(map(meta_key, beside))

    def _continued(self, meta: Mapping[str, Any]) -> Context:
        """The context of a trusted caller."""
        header = meta.get(_TRACEPARENT)
        propagator = propagate.get_global_textmap()
        if propagator is not self._propagator:
            self._follow(propagator)
        if self._beside is not None and not any(map(meta.__contains__, self._beside)):
            if header is None:
                return Context()
            # read here what the propagators are known to read: saves 28k instructions
            caller = traceparent.parsed(header)
            if caller is not None:
                return set_span_in_context(NonRecordingSpan(caller), Context())
        if any(key in meta for key in self._carried):
            return propagate.extract(meta, getter=_getter)
        return Context()

    def _attributes(self, request: HttpRequest, given: str, method: str) -> dict[str, Any]:
        attributes = attributes_of(request, given, method)
        if self._traced_request_attrs:
            attributes = extract_attributes_from_object(request, self._traced_request_attrs, attributes)
        if self._captures_request:
            attributes.update(collect_custom_request_headers_attributes(request.META))
        return attributes

    def _method(self, given: str) -> str:
        method = self._methods.get(given)
        if method is None:
            method = sanitize_method(given)
            if len(self._methods) < 64:  # noqa: PLR2004 - a client can make up as many as it likes
                self._methods[given] = method
        return method

    def _is_excluded(self, request: HttpRequest) -> bool:
        """OTEL_PYTHON_DJANGO_EXCLUDED_URLS, without asking whether the Host is allowed."""
        if not self._excluded_urls._excluded_urls:  # noqa: SLF001 - there is no public way to ask
            return False
        host = request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME", "")
        return bool(self._excluded_urls.url_disabled(f"{request.scheme}://{host}{request.path}"))

    def _answered(self, span: Span, response: HttpResponseBase) -> None:
        if self._captures_response and span.is_recording():
            span.set_attributes(collect_custom_response_headers_attributes(list(response.items())))
        propagator = _response_propagator()
        if propagator is not None:
            propagator.inject(response)


def _response_propagator() -> Any:
    return get_global_response_propagator()  # type: ignore[no-untyped-call]


def _end(span: Span) -> None:
    span.end()


def _end_quietly(held: quiet.Held, span: Span) -> None:
    span.end()
    for each in held.release():
        export.pipeline("traces").offer(each, spansize.size_of(each))


def _stranger(header: str) -> SpanContext:
    known = traceparent.parsed(header)
    if known is not None:
        return known
    given = _only_parent.extract({Header.TRACEPARENT: header})
    context = trace.get_current_span(given).get_span_context()
    return SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=context.trace_flags)


_getter = _MetaGetter()
