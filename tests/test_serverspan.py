"""Our server span against the one of OpenTelemetry's own middleware, attribute by attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path, re_path
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
    return HttpResponse(status=int(request.GET.get("status", 200)))


def fail(request: HttpRequest) -> HttpResponse:
    raise LookupError("no such shelf")


urlpatterns = [
    path("orders/", answer, name="orders"),
    path("orders/<int:number>/", answer),
    re_path(r"^old/(?P<slug>[a-z]+)/$", answer, name="old"),
    path("fail/", fail, name="fail"),
    path("", answer),
]


@dataclass(frozen=True)
class Case:
    path: str
    method: str = "GET"
    environ: dict[str, Any] = field(default_factory=dict)

    @property
    def raw(self) -> dict[str, Any]:
        """As gunicorn builds it, which gives RAW_URI."""
        return {"RAW_URI": self.path, "HTTP_HOST": "testserver", "SERVER_PORT": "8000", **self.environ}


BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"
CASES = [
    Case("/orders/"),
    Case("/orders/17/"),
    Case("/old/books/"),
    *(Case("/orders/", method) for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")),
    Case("/orders/", "QUERY"),
    Case("/orders/", "PURGE"),
    Case("/orders/", "get"),
    Case("/orders/?status=204"),
    Case("/orders/?status=302"),
    Case("/orders/?status=404"),
    Case("/orders/?status=503"),
    Case("/orders/?q=books&page=2"),
    Case("/nowhere/"),
    Case("/nowhere/?q=1", "POST"),
    Case("/fail/"),
    Case("/"),
    Case("/orders/", environ={"HTTP_HOST": "testserver:8443", "SERVER_PORT": "8443"}),
    Case("/orders/", environ={"wsgi.url_scheme": "https", "SERVER_PORT": "443"}),
    Case("/orders/", environ={"HTTP_HOST": "[::1]:8000"}),
    Case("/orders/", environ={"HTTP_HOST": "evil.example"}),
    Case("/orders/", environ={"HTTP_USER_AGENT": BROWSER}),
    Case("/orders/", environ={"HTTP_USER_AGENT": "Googlebot/2.1"}),
    Case("/orders/", environ={"HTTP_USER_AGENT": "AlwaysOn"}),
    Case("/orders/", environ={"REMOTE_ADDR": "10.1.2.3", "REMOTE_PORT": "51000"}),
    Case("/orders/", environ={"SERVER_PROTOCOL": "HTTP/1.0"}),
    Case("/orders/", environ={"HTTP_TRACEPARENT": PARENT}),
    Case("/orders/", environ={"RAW_URI": None}),
    Case("/orders/?q=1", environ={"RAW_URI": None}),
]


@dataclass
class Seen:
    """What of a span is compared."""

    name: str
    kind: SpanKind
    status: tuple[str, str | None]
    attributes: dict[str, Any]
    parent: tuple[int, int] | None
    events: list[tuple[str, Any, Any]]


def scrubbed_query(seen: Seen, case: Case) -> None:
    """Values of the query string never leave the process."""
    query = case.path.partition("?")[2]
    if query:
        seen.attributes["url.query"] = "&".join(
            f"{pair.split('=')[0]}=[redacted]" for pair in query.split("&")
        )


def correlated(seen: Seen, case: Case) -> None:
    """Ours carries the correlation ID; here it is the trace ID."""
    seen.attributes["correlation_id"] = "<id>"


def named_unmatched(seen: Seen, case: Case) -> None:
    """A request that no route matches is `GET unmatched`, where upstream has `GET` alone."""
    if case.path.startswith("/nowhere/"):
        seen.name = f"{case.method} unmatched"


def path_without_raw_uri(seen: Seen, case: Case) -> None:
    """The path is a required attribute, also of servers that give no RAW_URI or REQUEST_URI."""
    seen.attributes["url.path"] = case.path.partition("?")[0]


def root_route(seen: Seen, case: Case) -> None:
    """The route of the root is `/`, where upstream has none, as its pattern is empty."""
    if case.path == "/":
        seen.name, seen.attributes["http.route"] = "GET /", "/"


DIFFERENCES: list[Callable[[Seen, Case], None]] = [
    scrubbed_query,
    correlated,
    named_unmatched,
    path_without_raw_uri,
    root_route,
]


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


def request_environ(case: Case) -> dict[str, Any]:
    request = RequestFactory().generic(case.method, case.path)
    environ = {**request.environ, "REQUEST_METHOD": case.method, **case.raw}
    return {key: value for key, value in environ.items() if value is not None}


def served(middleware: str, environ: dict[str, Any], spans: InMemorySpanExporter) -> list[ReadableSpan]:
    spans.clear()
    with override_settings(MIDDLEWARE=[middleware]):
        response = WSGIHandler()(environ, lambda *_: lambda _: None)
        response.close()
    return list(spans.get_finished_spans())


def seen(span: ReadableSpan) -> Seen:
    attributes = dict(span.attributes or {})
    if "correlation_id" in attributes:
        assert attributes["correlation_id"] == f"{span.context.trace_id:032x}"
        attributes["correlation_id"] = "<id>"
    events = [
        (
            event.name,
            (event.attributes or {}).get("exception.type"),
            (event.attributes or {}).get("exception.message"),
        )
        for event in span.events
    ]
    parent = (span.parent.trace_id, span.parent.span_id) if span.parent else None
    status = (span.status.status_code.name, span.status.description)
    return Seen(span.name, span.kind, status, attributes, parent, events)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.method} {case.path} {case.environ}")
def test_equals_upstream_but_for_the_listed_differences(case: Case, spans: InMemorySpanExporter) -> None:
    upstream = served(ORIGINAL, request_environ(case), spans)
    ours = served(OURS, request_environ(case), spans)

    assert len(ours) == 1
    if case.environ.get("HTTP_HOST") == "evil.example":
        assert not upstream, "upstream has a span for a bad Host now: compare it"
        assert ours[0].attributes is not None
        assert ours[0].attributes["http.response.status_code"] == 200
        return
    expected = seen(upstream[0])
    for difference in DIFFERENCES:
        difference(expected, case)
    assert seen(ours[0]) == expected


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: str(difference.__name__))
def test_every_listed_difference_is_one(
    difference: Callable[[Seen, Case], None], spans: InMemorySpanExporter
) -> None:
    """A difference that upstream no longer has must leave the list."""

    def differs(case: Case) -> bool:
        upstream = [seen(span) for span in served(ORIGINAL, request_environ(case), spans)]
        changed = [seen(span) for span in spans.get_finished_spans()]
        for each in changed:
            difference(each, case)
        return upstream != changed

    assert any(differs(case) for case in CASES)


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

    first, second = map(seen, spans.get_finished_spans())
    assert first == second
    assert first.parent == (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)
    assert first.attributes["client.port"] == 51000


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
        WSGIHandler()(request_environ(Case("/orders/")), lambda *_: lambda _: None).close()

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
        (span,) = served(OURS, request_environ(Case("/renamed/")), spans)
    finally:
        urlpatterns.pop()
    assert span.name == "checkout"


def test_excluded_urls_have_no_span(monkeypatch: pytest.MonkeyPatch, spans: InMemorySpanExporter) -> None:
    from opentelemetry.util.http import parse_excluded_urls

    monkeypatch.setattr(_DjangoMiddleware, "_excluded_urls", parse_excluded_urls("orders/1[0-9]"))
    assert served(OURS, request_environ(Case("/orders/17/")), spans) == []
    assert len(served(OURS, request_environ(Case("/orders/27/")), spans)) == 1


def test_only_the_first_end_counts(spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture) -> None:
    server_span = traces.begin(RequestFactory().get("/orders/"), trusted=True)
    assert server_span is not None
    server_span.end()
    server_span.end()
    assert caplog.records == []
    assert len(spans.get_finished_spans()) == 1
