"""The server span: whose trace it goes on with, who ends it, what OpenTelemetry's own middleware began.

That it is upstream's, attribute by attribute, is shown in tests/differential.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
from opentelemetry.metrics import NoOpUpDownCounter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from django_observe import traces
from django_observe.serverspan import ServerSpans

ORIGINAL = "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware"
OURS = "django_observe.middleware.ObserveMiddleware"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def answer(request: HttpRequest, **_: object) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("orders/", answer, name="orders"),
    path("orders/<int:number>/", answer),
]


BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"


EVERYTHING = {"CLIENT_IP": "address", "USER_AGENT": True}
"""Ours tells as much as upstream does."""


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Both middlewares on one provider of their own; nothing global changes."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    monkeypatch.setattr(_DjangoMiddleware, "_tracer", tracer)
    monkeypatch.setattr(_DjangoMiddleware, "_sem_conv_opt_in_mode", _StabilityMode.HTTP)
    monkeypatch.setattr(_DjangoMiddleware, "_active_request_counter", NoOpUpDownCounter("active"))
    ours = ServerSpans()
    ours._tracer = tracer
    monkeypatch.setattr(traces, "_begin", ours.begin)
    ends = (request_started, request_finished)
    for end in ends:
        end.disconnect(close_old_connections)  # as Django's test client does: a test's connections stay
    with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver", "[::1]"]):
        yield exporter
    for end in ends:
        end.connect(close_old_connections)


def request_environ(path: str) -> dict[str, Any]:
    return {**RequestFactory().get(path).environ, "RAW_URI": path, "HTTP_HOST": "testserver"}


def served(middleware: str, environ: dict[str, Any], spans: InMemorySpanExporter) -> list[ReadableSpan]:
    spans.clear()
    with override_settings(MIDDLEWARE=[middleware]):
        response = WSGIHandler()(environ, lambda *_: lambda _: None)
        response.close()
    return list(spans.get_finished_spans())


@override_settings(DJANGO_OBSERVE=EVERYTHING)
def test_an_asgi_request_has_the_attributes_of_its_wsgi_twin(spans: InMemorySpanExporter) -> None:
    headers = {"User-Agent": BROWSER, "Host": "testserver:8000", "traceparent": PARENT}
    wsgi = RequestFactory(headers=headers).get("/orders/17/?q=1", REMOTE_PORT="51000", SERVER_PORT="8000")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/orders/17/",
        "query_string": b"q=1",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 51000),
        "server": ("127.0.0.1", 8000),
    }
    asgi = ASGIRequest(scope, BytesIO())

    for request in (wsgi, asgi):
        server_span = traces.begin(request, trusted=True)
        assert server_span is not None
        server_span.end()

    first, second = spans.get_finished_spans()
    assert (first.name, first.attributes) == (second.name, second.attributes)
    assert first.parent == second.parent
    assert first.parent is not None
    assert (first.parent.trace_id, first.parent.span_id) == (
        0x0AF7651916CD43DD8448EB211C80319C,
        0xB7AD6B7169203331,
    )
    assert (first.attributes or {})["client.port"] == 51000


def test_a_stranger_is_linked_and_not_continued(spans: InMemorySpanExporter) -> None:
    request = RequestFactory().get(
        "/orders/", headers={"traceparent": PARENT, "tracestate": "vendor=internal", "baggage": "user=alice"}
    )
    server_span = traces.begin(request, trusted=False)
    assert server_span is not None
    server_span.end()

    span = spans.get_finished_spans()[0]
    assert span.parent is None
    assert span.context.trace_id != 0x0AF7651916CD43DD8448EB211C80319C
    assert [f"{link.context.trace_id:032x}" for link in span.links] == ["0af7651916cd43dd8448eb211c80319c"]
    assert not span.links[0].context.trace_state
    assert not span.context.trace_state


@pytest.mark.parametrize("header", ["", "garbage", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 100_000])
def test_a_malformed_parent_is_no_parent(header: str, spans: InMemorySpanExporter) -> None:
    for trusted in (True, False):
        request = RequestFactory().get("/orders/", headers={"traceparent": header})
        server_span = traces.begin(request, trusted=trusted)
        assert server_span is not None
        server_span.end()

    assert all(span.parent is None and not span.links for span in spans.get_finished_spans())


def test_the_span_that_upstream_began_is_used(spans: InMemorySpanExporter) -> None:
    both = [ORIGINAL, OURS]
    with override_settings(MIDDLEWARE=both):
        WSGIHandler()(request_environ("/orders/"), lambda *_: lambda _: None).close()

    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind) == ("GET orders/", SpanKind.SERVER)
    assert (span.attributes or {})["correlation_id"] == f"{span.context.trace_id:032x}"


def test_a_name_that_the_project_chose_stays(spans: InMemorySpanExporter) -> None:
    from opentelemetry import trace

    def renaming(request: HttpRequest, **_: object) -> HttpResponse:
        trace.get_current_span().update_name("checkout")
        return HttpResponse()

    urlpatterns.append(path("renamed/", renaming))
    try:
        (span,) = served(OURS, request_environ("/renamed/"), spans)
    finally:
        urlpatterns.pop()
    assert span.name == "checkout"


def test_excluded_urls_have_no_span(monkeypatch: pytest.MonkeyPatch, spans: InMemorySpanExporter) -> None:
    from opentelemetry.util.http import parse_excluded_urls

    monkeypatch.setattr(_DjangoMiddleware, "_excluded_urls", parse_excluded_urls("orders/1[0-9]"))
    assert served(OURS, request_environ("/orders/17/"), spans) == []
    assert len(served(OURS, request_environ("/orders/27/"), spans)) == 1


def test_only_the_first_end_counts(spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture) -> None:
    server_span = traces.begin(RequestFactory().get("/orders/"), trusted=True)
    assert server_span is not None
    server_span.end()
    server_span.end()
    assert caplog.records == []
    assert len(spans.get_finished_spans()) == 1
