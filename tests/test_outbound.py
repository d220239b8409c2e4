"""Outbound HTTP over real sockets: who is told the ID and the trace, and what each call is counted as."""

from __future__ import annotations

import asyncio
import io
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlsplit

import httpx
import pytest
import requests
import urllib3
from django.test import override_settings
from opentelemetry import propagate
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import get_tracer

from demo_services.ports import free_port
from django_observe import correlated, hop, outbound, reporting, tally, taskheaders, traceparent, trust
from django_observe.propagators import CorrelationPropagator, TraceParentPropagator
from django_observe.records import Call, Record
from django_observe.tally import Tally

ID = "order-4711.retry_2"
OWN = "0af7651916cd43dd8448eb211c80319c"
OWN_PARENT = f"00-{OWN}-b7ad6b7169203331-01"
OURS = ("x-correlation-id", "traceparent", "tracestate", "baggage")

Fetch = Callable[[str, dict[str, str]], int]


class Recorder(BaseHTTPRequestHandler):
    """Remembers the headers of each request; `/to/<host>` redirects there, `/<status>` answers with it."""

    protocol_version = "HTTP/1.1"
    seen: list[list[tuple[str, str]]]

    def do_GET(self) -> None:
        self.seen.append([(name.lower(), value) for name, value in self.headers.items()])
        _, first, *rest = urlsplit(self.path).path.split("/")
        self.send_response({"to": 302, "body": 200}.get(first) or int(first))
        if first == "to":
            self.send_header("Location", f"http://{rest[0]}:{self.request.getsockname()[1]}/200")
        body = b"body" if first == "body" else b""
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Reads all of the body first: an early answer may make a client leave off sending."""
        if self.headers["Transfer-Encoding"] == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + len("\r\n"))
            self.rfile.readline()
        else:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Recorder,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


@pytest.fixture
def seen(server: ThreadingHTTPServer) -> list[list[tuple[str, str]]]:
    return server.RequestHandlerClass.seen  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def at(server: ThreadingHTTPServer) -> Callable[[str, str], str]:
    return lambda host, path: f"http://{host}:{server.server_address[1]}{path}"


@pytest.fixture
def calls() -> Iterator[list[Call]]:
    told: list[Call] = []

    def reporter(record: Record) -> None:
        if isinstance(record, Call):
            told.append(record)

    before = reporting.reporters()
    reporting.set_reporters((reporter,))
    yield told
    reporting.set_reporters(before)


@pytest.fixture(autouse=True)
def only_localhost_is_told() -> Iterator[None]:
    with override_settings(DJANGO_OBSERVE={"PROPAGATE_TO": ["localhost"]}):
        yield


@pytest.fixture(params=[False, True], ids=["untraced", "traced"])
def traced(request: pytest.FixtureRequest) -> Iterator[bool]:
    """With and without OpenTelemetry's own instrumentations, which write headers before we see a request."""
    instrumentors = (RequestsInstrumentor(), URLLib3Instrumentor(), HTTPXClientInstrumentor())
    provider = TracerProvider(shutdown_on_exit=False)
    if request.param:
        for instrumentor in instrumentors:
            instrumentor.instrument(tracer_provider=provider)
        with get_tracer("test", tracer_provider=provider).start_as_current_span("request"):
            yield True
        for instrumentor in instrumentors:
            instrumentor.uninstrument()
    else:
        yield False


def by_requests(url: str, headers: dict[str, str]) -> int:
    return requests.get(url, headers=headers, timeout=5).status_code


def by_session(url: str, headers: dict[str, str]) -> int:
    with requests.Session() as session:
        session.headers.update(headers)
        return session.get(url, timeout=5).status_code


def by_urllib3(url: str, headers: dict[str, str]) -> int:
    with urllib3.PoolManager(headers=headers) as pools:
        return pools.request("GET", url).status


def by_urllib3_pool(url: str, headers: dict[str, str]) -> int:
    parts = urllib3.util.parse_url(url)
    with urllib3.HTTPConnectionPool(parts.host or "", parts.port) as pool:
        return pool.urlopen("GET", parts.request_uri, None, headers, redirect=False).status


def by_httpx(url: str, headers: dict[str, str]) -> int:
    with httpx.Client(follow_redirects=True) as client:
        return client.get(url, headers=headers).status_code


def by_async_httpx(url: str, headers: dict[str, str]) -> int:
    async def fetched() -> int:
        async with httpx.AsyncClient(follow_redirects=True) as client:
            return (await client.get(url, headers=headers)).status_code

    return asyncio.run(fetched())


def by_urllib(url: str, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


REDIRECTING = [by_requests, by_session, by_urllib3, by_httpx, by_async_httpx, by_urllib]
LIBRARIES = [*REDIRECTING, by_urllib3_pool]

every_library = pytest.mark.parametrize("fetch", LIBRARIES)


def sent(headers: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Of the headers that arrived, those that can carry an ID or a trace."""
    return {name: [v for n, v in headers if n == name] for name in OURS if name in dict(headers)}


@every_library
def test_an_allowed_host_is_told_the_id_and_the_trace(
    fetch: Fetch, at: Any, seen: Any, calls: list[Call], traced: bool
) -> None:
    with correlated(ID):
        assert fetch(at("localhost", "/200"), {}) == 200
    [headers] = map(sent, seen)
    assert headers["x-correlation-id"] == [ID]
    assert ("traceparent" in headers) is traced


@every_library
def test_a_foreign_host_is_told_nothing(
    fetch: Fetch, at: Any, seen: Any, calls: list[Call], traced: bool
) -> None:
    with correlated(ID):
        assert fetch(at("127.0.0.1", "/200"), {}) == 200
    assert [sent(headers) for headers in seen] == [{}]
    assert [call.host for call in calls] == ["127.0.0.1"]


@pytest.mark.parametrize("fetch", REDIRECTING)
def test_a_redirect_to_a_foreign_host_takes_nothing_along(
    fetch: Fetch, at: Any, seen: Any, calls: list[Call], traced: bool
) -> None:
    with correlated(ID):
        assert fetch(at("localhost", "/to/127.0.0.1"), {}) == 200
    first, second = map(sent, seen)
    assert first["x-correlation-id"] == [ID]
    assert second == {}
    assert [(call.host, call.status) for call in calls] == [("localhost", 302), ("127.0.0.1", 200)]


@pytest.mark.parametrize("fetch", REDIRECTING)
def test_a_redirect_from_a_foreign_host_to_ours_is_told(
    fetch: Fetch, at: Any, seen: Any, calls: list[Call], traced: bool
) -> None:
    with correlated(ID):
        assert fetch(at("127.0.0.1", "/to/localhost"), {}) == 200
    first, second = map(sent, seen)
    assert first == {}
    assert second["x-correlation-id"] == [ID]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@every_library
def test_headers_that_the_caller_set_stay_as_they_are(
    fetch: Fetch, host: str, at: Any, seen: Any, calls: list[Call]
) -> None:
    own = {"X-Correlation-ID": "the-callers-own", "traceparent": OWN_PARENT}
    with correlated(ID):
        fetch(at(host, "/200"), own)
    [headers] = map(sent, seen)
    assert headers == {name.lower(): [value] for name, value in own.items()}


@every_library
def test_the_callers_own_headers_are_not_added_to(
    fetch: Fetch, at: Any, calls: list[Call], traced: bool
) -> None:
    given: dict[str, str] = {"X-Shop": "basel"}
    with correlated(ID):
        fetch(at("localhost", "/200"), given)
    assert given == {"X-Shop": "basel"}


def test_a_request_object_is_left_as_it_was(at: Any, calls: list[Call]) -> None:
    with correlated(ID), httpx.Client() as client:
        request = client.build_request("GET", at("localhost", "/200"))
        before = dict(request.headers)
        assert dict(client.send(request).request.headers) == before


@every_library
def test_a_call_is_timed_counted_and_told_once(
    fetch: Fetch, at: Any, calls: list[Call], traced: bool
) -> None:
    work = Tally()
    token = tally.bind(work)
    try:
        assert fetch(at("localhost", "/503"), {}) == 503
    finally:
        tally.reset(token)
    [call] = calls
    assert (call.method, call.host, call.status, call.failure) == ("GET", "localhost", 503, None)
    assert 0 < call.seconds < 5
    assert (call.trace is not None) is traced
    assert work.calls().count == 1
    assert work.calls().seconds == call.seconds


@pytest.mark.parametrize(
    ("fetch", "error", "failure"),
    [
        (by_requests, requests.ConnectionError, "MaxRetryError"),
        (by_urllib3, urllib3.exceptions.MaxRetryError, "MaxRetryError"),
        (by_httpx, httpx.ConnectError, "ConnectError"),
        (by_async_httpx, httpx.ConnectError, "ConnectError"),
        (by_urllib, urllib.error.URLError, "URLError"),
    ],
)
def test_a_call_without_an_answer_is_told_with_its_exception(
    fetch: Fetch, error: type[Exception], failure: str, calls: list[Call]
) -> None:
    with pytest.raises(error):
        fetch(f"http://127.0.0.1:{free_port()}/200", {})
    assert [(call.status, call.failure) for call in calls] == [(None, failure)]


def test_retries_of_one_urlopen_are_one_call(at: Any, seen: Any, calls: list[Call]) -> None:
    retries = urllib3.Retry(total=2, status_forcelist=[503], backoff_factor=0, raise_on_status=False)
    with urllib3.PoolManager() as pools, correlated(ID):
        assert pools.request("GET", at("localhost", "/503"), retries=retries).status == 503
    assert [sent(headers)["x-correlation-id"] for headers in seen] == [[ID]] * 3
    assert len(calls) == 1


def test_a_request_through_a_proxy_is_judged_by_its_target(at: Any, seen: Any, calls: list[Call]) -> None:
    with correlated(ID):
        answer = requests.get("http://shop.example/200", proxies={"http": at("localhost", "")}, timeout=5)
    assert answer.status_code == 200
    assert [call.host for call in calls] == ["shop.example"]
    assert [sent(headers) for headers in seen] == [{}]


def test_bodies_are_streamed_both_ways(at: Any, calls: list[Call]) -> None:
    told_when_read: list[int] = []

    def upload() -> Iterator[bytes]:
        for _ in range(3):
            told_when_read.append(len(calls))
            yield b"x"

    with requests.post(at("localhost", "/body"), data=upload(), stream=True, timeout=5) as response:
        assert [call.method for call in calls] == ["POST"]
        assert b"".join(response.iter_content(1)) == b"body"
    assert told_when_read == [0, 0, 0]


@every_library
def test_where_instrumentation_is_suppressed_nothing_is_sent_or_counted(
    fetch: Fetch, at: Any, seen: Any, calls: list[Call], traced: bool
) -> None:
    with correlated(ID), suppress_instrumentation():
        fetch(at("localhost", "/200"), {})
    assert [sent(headers) for headers in seen] == [{}]
    assert calls == []


def test_outside_of_any_request_there_is_no_id_to_tell(at: Any, seen: Any, calls: list[Call]) -> None:
    by_requests(at("localhost", "/200"), {})
    assert [sent(headers) for headers in seen] == [{}]
    assert len(calls) == 1


def test_installing_again_wraps_nothing_twice(at: Any, calls: list[Call]) -> None:
    for _ in range(3):
        outbound.install()
    by_requests(at("localhost", "/200"), {})
    by_httpx(at("localhost", "/200"), {})
    by_urllib(at("localhost", "/200"), {})
    assert len(calls) == 3


def test_a_fault_of_ours_does_not_stop_the_call(
    at: Any, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(trust, "may_be_told", broken)
    before = reporting.failures().get("outbound", 0)
    assert by_requests(at("localhost", "/200"), {}) == 200
    assert by_httpx(at("localhost", "/200"), {}) == 200
    assert by_urllib(at("localhost", "/200"), {}) == 200
    assert reporting.failures()["outbound"] == before + 3


class Uncopyable(dict[str, str]):
    copy = None  # type: ignore[assignment]


def test_headers_that_cannot_be_copied_are_amended_all_the_same(
    at: Any, seen: Any, calls: list[Call]
) -> None:
    """What an instrumentation wrote into them is not for a foreign host."""
    with correlated(ID):
        headers = Uncopyable({"x-correlation-id": ID, "X-Shop": "basel"})
        assert by_urllib3_pool(at("127.0.0.1", "/200"), headers) == 200
    assert sent(seen[0]) == {}
    assert dict(seen[0])["x-shop"] == "basel"
    assert headers == {"x-correlation-id": ID, "X-Shop": "basel"}


@pytest.mark.parametrize(
    ("headers", "asked", "changes"),
    [
        ({"traceparent": OWN_PARENT, "x-correlation-id": ID}, 0, ([], {})),
        ({"Traceparent": OWN_PARENT, "X-Correlation-ID": ID}, 0, ([], {})),
        ({b"traceparent": OWN_PARENT, b"x-correlation-id": ID}, 0, ([], {})),
        ({"Traceparent": OWN_PARENT, "traceparent": "", "x-correlation-id": ID}, 1, (["traceparent"], {})),
        ({"traceparent": OWN_PARENT}, 1, ([], {"x-correlation-id": ID})),
    ],
)
def test_propagators_are_asked_where_something_is_missing_or_double(
    headers: dict[Any, str], asked: int, changes: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    textmap, injected = propagate.get_global_textmap(), []
    inject = textmap.inject

    def counted(*given: Any, **named: Any) -> None:
        injected.append(given)
        inject(*given, **named)

    monkeypatch.setattr(textmap, "inject", counted)
    tracer = get_tracer("test", tracer_provider=TracerProvider(shutdown_on_exit=False))
    with correlated(ID), tracer.start_as_current_span("request"):
        assert hop.amendments(headers, "localhost") == changes
    assert len(injected) == asked


@dataclass
class Equal(CompositePropagator):
    """A propagator that has equals, and so no hash."""

    parts: tuple[TextMapPropagator, ...]

    def __post_init__(self) -> None:
        super().__init__(self.parts)


class B3Like(TextMapPropagator):
    """Writes one header of its own."""

    def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
        setter.set(carrier, "b3", "0")

    def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Any:
        return context

    @property
    def fields(self) -> set[str]:
        return {"b3"}


def test_a_propagator_without_a_hash_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = (TraceParentPropagator(), CorrelationPropagator())
    monkeypatch.setattr(propagate, "_HTTP_TEXT_FORMAT", Equal(parts))
    with correlated(ID):
        assert hop.amendments({}, "localhost") == ([], {"x-correlation-id": ID})
        with override_settings(DJANGO_OBSERVE={"CORRELATION_HEADER": "X-Order-ID"}):
            assert hop.amendments({"x-correlation-id": ID}, "localhost") == ([], {"x-order-id": ID})
    assert traceparent.read_beside(Equal(parts)) is None  # nobody knows what it reads


def test_a_propagator_without_a_hash_is_asked_for_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, str] = {}
    monkeypatch.setattr(propagate, "_HTTP_TEXT_FORMAT", Equal((B3Like(), CorrelationPropagator())))
    with correlated(ID):
        taskheaders.write(written)
    assert {"b3": "0", "x-correlation-id": ID}.items() <= written.items()
    assert taskheaders.read(written) == written


def test_an_answer_without_a_status_is_passed_on(
    at: Any, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pools and transports can be patched by anyone: a recorder's answer need not be complete."""
    answer = object()
    for wrapper in (outbound._urlopen, outbound._handle_request):
        target = httpx.Request("GET", at("localhost", "/"))
        arguments = (target,) if wrapper is outbound._handle_request else ("GET", "/")
        with urllib3.HTTPConnectionPool("localhost") as pool:
            assert wrapper(lambda *_, **__: answer, pool, arguments, {}) is answer
    assert [call.status for call in calls] == [None, None]


class Sent(int):
    """A status of a kind of its own."""


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (200, 200),
        (HTTPStatus.NOT_FOUND, 404),
        (Sent(503), 503),
        (Mock(), None),
        (Mock(spec=int), None),
        ("200", None),
    ],
    ids=["int", "HTTPStatus", "int's subclass", "mock", "mock of an int", "text"],
)
def test_a_status_that_is_no_number_is_not_told(
    status: Any, told: int | None, at: Any, calls: list[Call]
) -> None:
    """Each mock would be a label of its own."""
    answer = Mock(status=status, status_code=status)
    for wrapper in (outbound._urlopen, outbound._handle_request):
        target = httpx.Request("GET", at("localhost", "/"))
        arguments = (target,) if wrapper is outbound._handle_request else ("GET", "/")
        with urllib3.HTTPConnectionPool("localhost") as pool:
            assert wrapper(lambda *_, **__: answer, pool, arguments, {}) is answer
    assert [(call.status, type(call.status)) for call in calls] == [(told, type(told))] * 2


def test_urllib_is_given_what_it_takes_otherwise(at: Any, seen: Any, calls: list[Call]) -> None:
    """A file as a body, which has no length; the request by name; an opener's own default timeout."""
    request = urllib.request.Request(at("localhost", "/200"), io.BytesIO(b"body"), {"Content-Length": "4"})
    with correlated(ID), urllib.request.build_opener().open(request) as response:
        assert response.status == 200
    handler = urllib.request.HTTPHandler()
    given = urllib.request.Request(at("localhost", "/200"))
    given.timeout = 5
    with correlated(ID), handler.do_open(HTTPConnection, req=given) as response:
        assert response.status == 200
    assert [sent(headers)["x-correlation-id"] for headers in seen] == [[ID], [ID]]
    assert (given.headers, given.unredirected_hdrs) == ({}, {})


def test_what_an_instrumentation_of_urllib_wrote_is_not_redirected(
    at: Any, seen: Any, calls: list[Call]
) -> None:
    """It writes into the request, whose headers a redirect copies with their names capitalized."""
    request = urllib.request.Request(at("localhost", "/to/127.0.0.1"), headers={"X-Shop": "basel"})
    tracer = get_tracer("test", tracer_provider=TracerProvider(shutdown_on_exit=False))
    with correlated(ID), tracer.start_as_current_span("request"):
        propagate.inject(request.headers)
        urllib.request.urlopen(request, timeout=5).close()
    first, second = seen
    assert sent(first).keys() == {"x-correlation-id", "traceparent"}
    assert sent(second) == {}
    assert dict(second)["x-shop"] == "basel"


def test_a_request_of_urllib_through_a_proxy_is_judged_by_its_target(
    at: Any, seen: Any, calls: list[Call]
) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": at("localhost", "")}))
    with correlated(ID), opener.open("http://shop.example/200", timeout=5) as response:
        assert response.status == 200
    assert [call.host for call in calls] == ["shop.example"]
    assert [sent(headers) for headers in seen] == [{}]
