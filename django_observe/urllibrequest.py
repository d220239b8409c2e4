"""urllib.request: who is told what, and a client span for each host that was asked.

OpenTelemetry's own instrumentation is not used: it asks a body for its length, which a file does not have
(TypeError), and takes the default timeout from `build_opener().open(url)` (0.66b1).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context as opentelemetry_context
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled, is_instrumentation_enabled
from opentelemetry.propagate import get_global_textmap
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.util.http import ExcludeList, parse_excluded_urls, redact_url, sanitize_method

from django_observe import conf, privacy, traces
from django_observe.correlation import reset
from django_observe.hop import Hop, amend, status_number
from django_observe.reporting import guard

NAME = "urllib"
"""As OTEL_PYTHON_DISABLED_INSTRUMENTATIONS and OTEL_PYTHON_URLLIB_EXCLUDED_URLS have it."""

_OTHER_METHOD = "_OTHER"
_CLIENT_ERROR = 400
_REQUEST_POSITION = 1
"""Of `do_open(http_class, req)`."""

_tracer = trace.get_tracer("django_observe.urllib")


def do_open(wrapped: Callable[..., Any], _handler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A wrapper of `AbstractHTTPHandler.do_open`, where `urllib.request` sends."""
    if not is_instrumentation_enabled():
        return wrapped(*args, **kwargs)
    positional = len(args) > _REQUEST_POSITION
    request: Any = args[_REQUEST_POSITION] if positional else kwargs.get("req")
    hop = None
    with guard("outbound"):  # it may be a look-alike of urllib's Request
        hop = Hop(request.get_method(), urlsplit(request.full_url).hostname or "")
    if hop is None:
        return wrapped(*args, **kwargs)
    span = _ClientSpan(request, hop)
    with span, hop:
        with guard("outbound"):
            request = _amended(request, hop.host)
        args = (*args[:_REQUEST_POSITION], request, *args[_REQUEST_POSITION + 1 :]) if positional else args
        response = wrapped(*args, **(kwargs if positional else {**kwargs, "req": request}))
        hop.status = status_number(getattr(response, "status", None))
        return response


def _amended(request: Any, host: str) -> Any:
    """A copy of the request with our headers: a redirect is made from the original.

    From that goes what an instrumentation wrote there, as a redirect would carry it on. `add_header`
    capitalizes, so names in lower case are not the caller's.
    """
    sent = copy.copy(request)
    sent.headers = {**request.headers, **request.unredirected_hdrs}
    sent.unredirected_hdrs = {}
    amend(sent.headers, host)
    for name in get_global_textmap().fields:
        request.headers.pop(name, None)
    return sent


class _ClientSpan:
    """The client span of one hop, current while it lasts; none where tracing or somebody else covers it."""

    def __init__(self, request: Any, hop: Hop) -> None:
        self._request = request
        self._hop = hop
        self._span: Span | None = None

    def __enter__(self) -> None:
        with guard("outbound"):
            url = self._request.full_url
            if _wanted() and not _excluded().url_disabled(url):
                self._span = _tracer.start_span(*_named(self._hop.method, url))
                self._token = opentelemetry_context.attach(set_span_in_context(self._span))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is None:
            return
        with guard("outbound"):
            _complete(self._span, self._hop.status, error)
        reset(self._token)
        with guard("outbound"):
            self._span.end()


@lru_cache(maxsize=1)
def _excluded() -> ExcludeList:
    """As `get_excluded_urls` of OpenTelemetry has it."""
    everywhere = conf.environment("OTEL_PYTHON_EXCLUDED_URLS")
    return parse_excluded_urls(conf.environment(f"OTEL_PYTHON_{NAME.upper()}_EXCLUDED_URLS", everywhere))


def _wanted() -> bool:
    return traces.enabled() and conf.may_instrument(NAME) and is_http_instrumentation_enabled()


def _named(method: str, url: str) -> tuple[str, None, SpanKind, dict[str, Any]]:
    """Name and attributes as the stable semantic conventions for HTTP client spans have them."""
    parts = urlsplit(url)
    known = sanitize_method(method)
    attributes = {
        HTTP_REQUEST_METHOD: known,
        URL_FULL: redact_url(url),
        SERVER_ADDRESS: parts.hostname or "",
        SERVER_PORT: parts.port or (443 if parts.scheme == "https" else 80),
    }
    if method != known:
        attributes[HTTP_REQUEST_METHOD_ORIGINAL] = method
    return (
        traces.UNKNOWN_METHOD if known == _OTHER_METHOD else known,
        None,
        SpanKind.CLIENT,
        attributes,
    )


def _complete(span: Span, status: int | None, error: BaseException | None) -> None:
    if error is not None:
        traces.fail(span, privacy.failure_of(error))
    elif status is not None:
        span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
        if status >= _CLIENT_ERROR:
            span.set_attribute(ERROR_TYPE, str(status))
            span.set_status(Status(StatusCode.ERROR))
