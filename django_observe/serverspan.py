"""The span of an incoming request: OpenTelemetry's Django middleware without what it throws away.

Upstream builds absolute URLs (which raises for a bad Host), scans headers nobody asked for, resolves the URL
a second time and keeps metrics that we serve ourselves; and it knows ASGI only with one more package. A
differential test holds both equal, attribute by attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.core.handlers.asgi import ASGIRequest
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
from opentelemetry.propagators.textmap import Getter
from opentelemetry.semconv._incubating.attributes.user_agent_attributes import USER_AGENT_SYNTHETIC_TYPE
from opentelemetry.semconv.attributes.client_attributes import CLIENT_ADDRESS, CLIENT_PORT
from opentelemetry.semconv.attributes.http_attributes import HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PROTOCOL_VERSION
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_PATH, URL_QUERY, URL_SCHEME
from opentelemetry.semconv.attributes.user_agent_attributes import USER_AGENT_ORIGINAL
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.http import detect_synthetic_user_agent, sanitize_method

from django_observe import conf, export, privacy, quiet, workspan
from django_observe.messages import MAX_VALUE
from django_observe.propagation import CorrelationPropagator, meta_key
from django_observe.traces import UNKNOWN_METHOD, ServerSpan
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
        fields = propagate.get_global_textmap().fields - CorrelationPropagator().fields
        self._carried = tuple(map(meta_key, fields))  # the ID is taken from its header by `observation`
        self._captures_request = bool(conf.environment(_CAPTURE + "REQUEST"))
        self._captures_response = bool(conf.environment(_CAPTURE + "RESPONSE"))
        self._methods: dict[str, str] = {}

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
        attributes = self._attributes(request)
        method = attributes[HTTP_REQUEST_METHOD]
        span = self._tracer.start_span(
            UNKNOWN_METHOD if method == _OTHER_METHOD else method,
            context,
            kind,
            attributes,
            (link,) if link else None,
        )
        if not span.get_span_context().is_valid:
            return None
        responds = self._captures_response or _response_propagator() is not None
        return ServerSpan(
            span, set_span_in_context(span, context), on_end, self._answered if responds else None
        )

    def _caller(self, meta: Mapping[str, Any], trusted: bool) -> tuple[Context, SpanKind, Link | None]:
        """Where to go on from: a server in front, a trusted caller, or anew with a Link to a stranger."""
        if trace.get_current_span() is not trace.INVALID_SPAN and not workspan.is_current():
            return opentelemetry_context.get_current(), SpanKind.INTERNAL, None
        if trusted:
            if any(key in meta for key in self._carried):
                return propagate.extract(meta, getter=_getter), SpanKind.SERVER, None
        elif _TRACEPARENT in meta:
            given = _only_parent.extract({Header.TRACEPARENT: str(meta[_TRACEPARENT])[:256]})
            stranger = trace.get_current_span(given).get_span_context()
            if stranger.is_valid:
                return Context(), SpanKind.SERVER, Link(_bare(stranger))
        return Context(), SpanKind.SERVER, None

    def _attributes(self, request: HttpRequest) -> dict[str, Any]:
        """As `collect_request_attributes` of the WSGI instrumentation has them, in the stable conventions."""
        meta = request.META
        given = str(meta.get("REQUEST_METHOD", "")).strip()
        method = self._method(given)
        scheme, protocol = _protocol(request)
        attributes: dict[str, Any] = {
            HTTP_REQUEST_METHOD: method,
            URL_SCHEME: scheme,
            SERVER_ADDRESS: meta.get("HTTP_HOST"),
            SERVER_PORT: _port(meta.get("SERVER_PORT")),
            URL_PATH: meta.get("PATH_INFO"),
            CLIENT_ADDRESS: meta.get("REMOTE_ADDR"),
            CLIENT_PORT: _port(meta.get("REMOTE_PORT")),
            NETWORK_PROTOCOL_VERSION: protocol,
        }
        if given != method:
            attributes[HTTP_REQUEST_METHOD_ORIGINAL] = given
        if meta.get("QUERY_STRING"):
            attributes[URL_QUERY] = privacy.scrub_query(meta["QUERY_STRING"])
        agent = meta.get("HTTP_USER_AGENT")
        if agent:
            attributes[USER_AGENT_ORIGINAL] = agent
            attributes[USER_AGENT_SYNTHETIC_TYPE] = detect_synthetic_user_agent(agent)
        if self._traced_request_attrs:
            attributes = extract_attributes_from_object(request, self._traced_request_attrs, attributes)
        if self._captures_request:
            attributes.update(collect_custom_request_headers_attributes(meta))
        return {key: value for key, value in attributes.items() if value}

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
        export.pipeline("traces").offer(each)


def _protocol(request: HttpRequest) -> tuple[str | None, str]:
    """Scheme and HTTP version, as the server itself saw them."""
    if isinstance(request, ASGIRequest):
        return request.scope.get("scheme"), request.scope.get("http_version", "")
    meta = request.META
    return meta.get("wsgi.url_scheme"), str(meta.get("SERVER_PROTOCOL", "")).upper().removeprefix("HTTP/")


def _port(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 6 else None  # noqa: PLR2004


def _bare(context: SpanContext) -> SpanContext:
    return SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=context.trace_flags)


_getter = _MetaGetter()
